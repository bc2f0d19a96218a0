import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Type } from 'typebox';
import type { System } from '../config.ts';
import { readConfig, Secret } from '../environment.ts';
import { databaseOf, requirePassword } from '../postgres/server-of.ts';
import { kitMigrations, migrateDatabase } from './migrate.ts';

/**
 * Brings the database of a service to its newest shape: the kit's tables, then the service's own migrations, which are
 * in the project's folder.
 *
 * @returns what is left to do, by an administrator of the server or in an edited file, a sentence for each
 * @throws {ConfigError} naming each variable that is missing or wrong
 * @throws the driver's error when the server is away or a migration fails, see `migrateDatabase`
 */
export async function migrateService(
  system: System,
  folder: string,
  name: string,
  environment: NodeJS.ProcessEnv,
): Promise<string[]> {
  const service = system.service(name);
  const { database, publishes, migrations } = service;
  const config = readConfig(
    {
      POSTGRES_USER: Type.String({ default: 'postgres' }),
      POSTGRES_PASSWORD: Secret(),
      CDC_PASSWORD: publishes ? Secret() : Type.Optional(Secret()),
      OBSERVER_PASSWORD: Type.Optional(Secret()),
      DLQ_OPERATOR_PASSWORD: Type.Optional(Secret()),
    },
    environment,
  );
  const found = databaseOf(service, environment);
  const { OBSERVER_PASSWORD: observerPassword, DLQ_OPERATOR_PASSWORD: dlqOperatorPassword } = config;
  const own = resolve(folder, migrations);
  return migrateDatabase({
    ...found.server,
    adminUser: config.POSTGRES_USER,
    adminPassword: config.POSTGRES_PASSWORD,
    database,
    appPassword: requirePassword(service, found),
    ...(publishes && { cdcPassword: String(config.CDC_PASSWORD) }),
    ...(observerPassword && { observerPassword }),
    ...(dlqOperatorPassword && { dlqOperatorPassword }),
    ...(publishes && {
      publishes: { publication: publishes.slot, events: system.contract.eventsOf(publishes.topic) },
    }),
    migrations: [
      ...(publishes ? [kitMigrations.outbox] : []),
      kitMigrations.inbox,
      ...(existsSync(own) ? [{ name: database, folder: own, grantTo: `${database}_app` }] : []),
    ],
  });
}
