import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { loadProject } from 'walpost/project';
import { fetchComponents } from 'walpost/stack/fetch-components';
import { findJdk } from 'walpost/stack/find-jdk';
import { launchJava } from 'walpost/stack/java';
import { kafkaClasses } from 'walpost/stack/kafka';
import { eventually } from './eventually.ts';
import { PLANTED, type Planted } from './evidence.ts';
import type { Lab } from './lab.ts';
import type { Codec } from './plan.ts';

const TIMEOUT_S = 180;
const TOPIC = 'order-events';
const RECORDS = 5;

/** Writes records that are no events, in compressed batches, by Kafka's own producer: kafkajs alone knows gzip only. */
export async function plantBatch(lab: Lab, codec: Codec): Promise<Planted[]> {
  const at = Date.now();
  const planted = Array.from(
    { length: RECORDS },
    (): Planted => ({ id: randomUUID(), kind: 'compressed', topic: TOPIC, key: `batch-${randomUUID()}`, at }),
  );
  // Headers, key and value.
  const lines = planted.map(
    ({ id, key }) => `${PLANTED}:${id}\t${key}\t${`of a program with ${codec} `.repeat(20)}\n`,
  );
  // Those of a failed try that are there all the same have the same ids, and are set aside as well.
  await eventually(`writing a batch with ${codec}`, TIMEOUT_S, async () => {
    await produce(lab, codec, lines.join(''));
    return true;
  });
  return planted;
}

async function produce({ stack, env }: Lab, codec: Codec, input: string): Promise<void> {
  const jdk = await findJdk(env);
  const components = await fetchComponents(env, jdk, () => undefined, undefined);
  const project = await loadProject(process.cwd());
  const site = { ...project, settings: env, dataDir: stack.dataDir, java: { jdk, components } };
  const {
    command,
    args,
    cwd,
    env: own,
  } = launchJava(site, [
    ...['-Xmx64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...kafkaClasses(site)],
    'org.apache.kafka.tools.ConsoleProducer',
    ...['--bootstrap-server', env['KAFKA_BROKERS'] ?? '', '--topic', TOPIC],
    ...['--compression-codec', codec, '--sync'],
    ...['--reader-property', 'parse.headers=true', '--reader-property', 'parse.key=true'],
  ]);
  const child = spawn(command, args, { cwd, env: own, stdio: ['pipe', 'ignore', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(said.trim().split('\n')[0]);
}
