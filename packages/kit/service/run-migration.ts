import { Type } from 'typebox';
import { postgresSettings, readConfig, Secret } from '../config.ts';
import type { Contract, EventTopic } from '../contract/contract.ts';
import { runMain } from './lifecycle.ts';
import { folderBeside, kitMigrations, migrateDatabase } from './migrate.ts';

/** What a service's `migrate.ts` says about its database. */
export interface ServiceMigration {
  database: string;
  /** The variable that holds the password of `<database>_app`, e.g. `ORDERS_PASSWORD`. */
  passwordVariable: string;
  /** The topic that it writes: it gets an outbox for its events, and Debezium's role may read that. Nothing: no outbox. */
  publishes?: { contract: Contract; topic: EventTopic };
  /** The migrate module's `import.meta.url`; its own migrations are beside it in `migrations/`. */
  module: string;
}

/** The one-shot program that brings a service's database to its newest shape; errors end in one line and exit code 1. */
export async function runMigration(service: ServiceMigration, environment: NodeJS.ProcessEnv): Promise<void> {
  await runMain(async () => {
    const { database, passwordVariable, publishes, module } = service;
    const hasOutbox = publishes !== undefined;
    const config = readConfig(
      {
        ...postgresSettings,
        POSTGRES_PASSWORD: Secret(),
        [passwordVariable]: Secret(),
        ...(hasOutbox && { CDC_PASSWORD: Secret() }),
        OBSERVER_PASSWORD: Type.Optional(Secret()),
        DLQ_OPERATOR_PASSWORD: Type.Optional(Secret()),
      },
      environment,
    );
    const { OBSERVER_PASSWORD: observerPassword, DLQ_OPERATOR_PASSWORD: dlqOperatorPassword } = config;
    const secrets: Record<string, unknown> = config;
    await migrateDatabase({
      host: config.POSTGRES_HOST,
      port: config.POSTGRES_PORT,
      ssl: config.POSTGRES_SSLMODE === 'verify-full',
      adminPassword: config.POSTGRES_PASSWORD,
      database,
      appPassword: String(secrets[passwordVariable]),
      ...(hasOutbox && { cdcPassword: String(secrets['CDC_PASSWORD']) }),
      ...(observerPassword && { observerPassword }),
      ...(dlqOperatorPassword && { dlqOperatorPassword }),
      ...(publishes && { publishes: publishes.contract.eventsOf(publishes.topic) }),
      migrations: [
        ...(hasOutbox ? [kitMigrations.outbox] : []),
        kitMigrations.inbox,
        { name: database, folder: folderBeside(module, 'migrations') },
      ],
    });
  });
}
