import { attempt } from '@walpost/kit/telemetry/attempt';
import { type Check, fail } from '../check.ts';
import { CliError } from '../cli-error.ts';
import type { Config } from '../config.ts';
import { withKafka } from '../kafka.ts';
import { describeGroup, type LagProbe } from '../observe/describe-group.ts';
import { START } from '../observe/diagnose-group.ts';
import { openObserved } from '../observe/open-observed.ts';
import { probeLag } from '../observe/probe-lag.ts';
import { readSystem, type SystemSources } from '../observe/read-system.ts';
import { readTopics } from '../observe/read-topics.ts';
import { publishedTopics } from '../observe/services.ts';
import { openReader } from '../observe/topic-reader.ts';
import { checkConnect } from './check-connect.ts';
import { checkKafka } from './check-kafka.ts';
import { checkMachine } from './check-machine.ts';
import { checkPostgres } from './check-postgres.ts';
import { checkRegistry } from './check-registry.ts';
import { checkServices } from './check-services.ts';
import { checkSystem } from './check-system.ts';

/** How long reading the oldest unread records may take, s. */
const PROBE_SECONDS = 3;

/** Looks at everything from the machine to the last dead letter, causes before what follows from them. */
export async function examine(config: Config, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const [machine, postgres, events, registry, connect, services] = await Promise.all([
    checkMachine(env),
    checkPostgres(config),
    checkEvents(config),
    checkRegistry(config),
    checkConnect(config),
    checkServices(config),
  ]);
  return [...machine, ...postgres, ...events.kafka, ...registry, ...connect, ...services, ...events.system];
}

/** Kafka, and with it how the system is; without it what else can be asked. */
async function checkEvents(config: Config): Promise<{ kafka: Check[]; system: Check[] }> {
  const topics = publishedTopics(config.system);
  try {
    return await withKafka(config, 0, async (clients) => {
      const { admin } = clients;
      const existing = await admin.listTopics();
      const readable = topics.filter((topic) => existing.includes(topic));
      const reader = readable.length > 0 ? await openReader(clients, readable) : undefined;
      try {
        const probe: LagProbe = async (places) =>
          reader ? probeLag(reader, places, PROBE_SECONDS) : new Map();
        const [kafka, system] = await Promise.all([
          checkKafka(admin, config),
          checkFlow(config, {
            topics: () => readTopics(admin, topics),
            groups: (names) => Promise.all(names.map((name) => describeGroup(clients, name, probe))),
          }),
        ]);
        return { kafka, system };
      } finally {
        await reader?.close();
      }
    });
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const away = () => Promise.reject(error);
    return {
      kafka: [fail('Kafka', `${error.message}; topics and groups are not known`, START)],
      system: await checkFlow(config, { topics: away, groups: away }),
    };
  }
}

async function checkFlow(
  { system, servers, observerPassword: password, connect }: Config,
  kafka: SystemSources['kafka'],
): Promise<Check[]> {
  if (password === undefined) {
    const text =
      'OBSERVER_PASSWORD is not set here, and without it slots, groups and dead letters are not known';
    return [fail('role observer', text, START)];
  }
  const { observed, close } = openObserved({
    system,
    servers,
    password,
    applicationName: 'walpost-doctor',
  });
  try {
    return checkSystem(
      await readSystem({ observed, kafka, connect }, (what, question) => attempt(what, question)),
    );
  } finally {
    await close();
  }
}
