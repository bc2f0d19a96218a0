import { registerCodecs } from '@walpost/kit/kafka/codecs';
import kafkajs, { type Kafka } from 'kafkajs';
import postgres from 'postgres';
import { makeProgress } from 'walpost/stack/progress';
import { type Link, openLink } from 'walpost/testing/link';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { type Service, services } from './plan.ts';

type Environment = Readonly<Record<string, string>>;

/** The system under test, with a proxy in every connection that a fault can hit. */
export interface Lab {
  readonly stack: TestStack;
  readonly env: Environment;
  /** By link, e.g. `order>kafka`. */
  readonly links: ReadonlyMap<string, Link>;
  /** The superuser's connections, past every proxy. */
  readonly databases: Readonly<Record<Service, postgres.Sql>>;
  /** Further processes of services that were ever started, by name. */
  readonly members: Set<string>;
  /** What a part sees in place of the stack's settings. */
  viewOf(part: string): Environment;
  close(): Promise<void>;
}

const databaseOf = {
  order: 'orders',
  payment: 'payments',
  inventory: 'inventory',
  notification: 'notifications',
};

/** The whole system but the console, which nobody looks at here. */
const PARTS = ['postgres', 'kafka', 'registry', 'connect', 'mail', 'setup', 'services'];

/**
 * Starts the whole system, each service and Connect behind links of their own.
 *
 * @param startPostgres starts a server at the settings' port, in place of the stack's own
 */
export async function openLab(startPostgres?: (env: Environment) => Promise<void>): Promise<Lab> {
  const links = new Map<string, Link>();
  const views = new Map<string, Environment>();
  const closeLinks = () => Promise.all([...links.values()].map((proxy) => proxy.close()));
  const progress = makeProgress(process.stdout);
  let isUp = false;
  // That parts die is what the lab is there for: it says so itself, in a line.
  const quietly = {
    parts: progress.parts,
    state: (name: string, state: Parameters<typeof progress.state>[1]) => {
      if (!isUp) progress.state(name, state);
    },
    line: (text: string) => {
      if (!isUp) progress.line(text);
    },
  };
  try {
    const viewsOf = async (env: Environment) => {
      for (const part of [...services, 'connect']) {
        const { view, own } = await linksFor(part, env);
        views.set(part, view);
        for (const [link, proxy] of own) links.set(link, proxy);
      }
      return Object.fromEntries(views);
    };
    const stack = startPostgres
      ? await testStack(PARTS.slice(1), { report: quietly, viewsOf, before: startPostgres })
      : await testStack(PARTS, { report: quietly, viewsOf });
    progress.finish();
    isUp = true;
    const { env } = stack;
    const databases = {
      order: openSql(env, databaseOf.order),
      payment: openSql(env, databaseOf.payment),
      inventory: openSql(env, databaseOf.inventory),
      notification: openSql(env, databaseOf.notification),
    };
    return {
      stack,
      env,
      links,
      databases,
      members: new Set(),
      viewOf: (part) => views.get(part) ?? {},
      async close() {
        await Promise.all(Object.values(databases).map((sql) => sql.end({ timeout: 1 })));
        await stack.close();
        await closeLinks();
      },
    };
  } catch (error) {
    await closeLinks();
    throw error;
  }
}

async function linksFor(
  part: string,
  env: Environment,
): Promise<{ view: Environment; own: [string, Link][] }> {
  const broker = await openLink(portIn(env['KAFKA_BROKERS']), 'localhost');
  const database = await openLink(portIn(`:${env['POSTGRES_PORT']}`));
  const view = {
    KAFKA_BROKERS: `localhost:${broker.port}`,
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(database.port),
  };
  const own: [string, Link][] = [
    [`${part}>kafka`, broker],
    [`${part}>postgres`, database],
  ];
  if (part === 'connect') return { view, own };
  const url = new URL(env['SCHEMA_REGISTRY_URL'] ?? '');
  const registry = await openLink(Number(url.port));
  url.port = String(registry.port);
  return {
    view: { ...view, SCHEMA_REGISTRY_URL: url.href.replace(/\/$/, '') },
    own: [...own, [`${part}>registry`, registry]],
  };
}

function portIn(text: string | undefined): number {
  const [, port] = /:(\d+)$/.exec(text ?? '') ?? [];
  if (port === undefined) throw new Error(`${text} names no port`);
  return Number(port);
}

/** Connections of a role to a database itself, past every proxy; of the superuser when none is named. */
export function openSql(
  env: Environment,
  database: string,
  { user, password } = { user: 'postgres', password: env['POSTGRES_PASSWORD'] ?? '' },
): postgres.Sql {
  return postgres({
    host: '127.0.0.1',
    port: Number(env['POSTGRES_PORT']),
    username: user,
    password,
    database,
    max: 6,
    connect_timeout: 5,
    backoff: () => 0.2,
    onnotice: () => undefined,
  });
}

/** A client of the broker itself, past every proxy. */
export function openKafka(env: Environment): Kafka {
  registerCodecs();
  return new kafkajs.Kafka({
    clientId: 'faults',
    brokers: (env['KAFKA_BROKERS'] ?? '').split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 8, initialRetryTime: 200, maxRetryTime: 3_000 },
  });
}

/** A fault has taken the database away, and it is asked again. What a server refuses otherwise is our mistake. */
export function isAway(error: unknown): boolean {
  if (error instanceof postgres.PostgresError) return STOPPING.test(error.code);
  return error instanceof Error && 'code' in error;
}

/** SQLSTATEs of a server that is stopping, starting or out of something (Postgres documentation, appendix A). */
const STOPPING = /^(08|53|57)/;
