import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createKafka } from '@walpost/kit/kafka/create-kafka';
import { fillTemplate, type ProcessPart, type Site } from './component.ts';
import { javaOf, launchJava, quickCompiler, readSharedClasses, sharedClasses } from './java.ts';
import { nativeDir } from './paths.ts';
import { runToEnd } from './run-to-end.ts';
import { portOf, setting } from './settings.ts';
import { StackError } from './stack-error.ts';

/** One Kafka node, broker and controller at once. */
export function kafkaPart(site: Site): ProcessPart {
  const data = join(site.dataDir, 'kafka');
  const properties = join(site.dataDir, 'conf/kafka.properties');
  const brokers = setting(site.settings, 'KAFKA_BROKERS');
  return {
    kind: 'process',
    name: 'kafka',
    group: 'kafka',
    needs: [],
    prepare: async () => {
      const protocol = site.settings['KAFKA_SECURITY_PROTOCOL'] ?? 'PLAINTEXT';
      if (protocol !== 'PLAINTEXT') {
        throw new StackError(
          `KAFKA_SECURITY_PROTOCOL=${protocol}, but the Kafka that is started here speaks PLAINTEXT. Leave it out of .env.`,
        );
      }
      await mkdir(join(site.dataDir, 'conf'), { recursive: true });
      const template = await readFile(join(nativeDir, 'kafka.properties'), 'utf8');
      const values = {
        host: brokers.slice(0, brokers.lastIndexOf(':')),
        bind: '127.0.0.1',
        port: portOf(site, 'KAFKA_BROKERS'),
        controllerPort: portOf(site, 'KAFKA_CONTROLLER_PORT'),
        dataDir: data,
      };
      await writeFile(properties, fillTemplate(template, values));
      await format(site, data, properties);
    },
    launch: () => {
      const heap = ['-Xms256m', '-Xmx512m'];
      const server = [...heap, quickCompiler, ...sharedClasses(site, 'kafka'), ...kafkaClasses(site)];
      const light = ['-Xmx64m', '-XX:+UseSerialGC', quickCompiler];
      const tool = [...light, ...readSharedClasses(site, 'kafka'), ...kafkaClasses(site)];
      const { command: java, env, cwd } = launchJava(site, []);
      return {
        command: 'bash',
        args: [
          join(nativeDir, 'serve-kafka.sh'),
          ...[java, ...tool, 'org.apache.kafka.tools.TransactionsCommand', `--bootstrap-server=${brokers}`],
          '--',
          ...[java, ...server, 'kafka.Kafka', properties],
        ],
        env: { ...env, KAFKA_NODE_ID: '1', KAFKA_LOG_DIRS: data },
        cwd,
      };
    },
    probe: () => probeBroker(brokers),
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 20,
  };
}

/** Class path and log settings of everything that comes from Kafka. */
export function kafkaClasses(site: Site): string[] {
  // Log4j takes a list of URLs.
  const logSettings = pathToFileURL(join(nativeDir, 'log4j2.properties')).href.replaceAll(',', '%2C');
  return ['-cp', `${javaOf(site).components.kafka}/*`, `-Dlog4j2.configurationFile=${logSettings}`];
}

async function format(site: Site, data: string, properties: string): Promise<void> {
  if (await stat(join(data, 'meta.properties')).catch(() => undefined)) return;
  const storage = ['kafka.tools.StorageTool', 'format', '--standalone', '--ignore-formatted'];
  const jvm = [quickCompiler, ...readSharedClasses(site, 'kafka'), ...kafkaClasses(site)];
  const args = [...jvm, ...storage, '-t', clusterId(), '-c', properties];
  await runToEnd('Formatting the Kafka folder', launchJava(site, args));
}

/** 16 random bytes as Kafka writes them; a dash in front would be taken for an option. */
function clusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? clusterId() : id;
}

async function probeBroker(brokers: string): Promise<void> {
  const times = { connectionTimeout: 1000, requestTimeout: 2000, retry: { retries: 0 } };
  const admin = createKafka({ brokers: [brokers] }, { clientId: 'walpost-stack', ...times }).admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length === 0) throw new Error('no broker is registered yet');
  } finally {
    await admin.disconnect();
  }
}
