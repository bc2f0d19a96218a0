import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Type } from 'typebox';
import type { System } from '../config.ts';
import { postgresSettings, readConfig, Secret } from '../environment.ts';
import { kitMigrations, migrateDatabase } from './migrate.ts';

/**
 * Brings the database of a service to its newest shape: the kit's tables, then the service's own migrations, which are
 * in the project's folder.
 *
 * @throws {ConfigError} naming each variable that is missing or wrong
 * @throws the driver's error when the server is away or a migration fails, see `migrateDatabase`
 */
export async function migrateService(
  system: System,
  folder: string,
  name: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const { database, passwordVariable, publishes, migrations } = system.service(name);
  const config = readConfig(
    {
      ...postgresSettings,
      POSTGRES_PASSWORD: Secret(),
      CDC_PASSWORD: publishes ? Secret() : Type.Optional(Secret()),
      OBSERVER_PASSWORD: Type.Optional(Secret()),
      DLQ_OPERATOR_PASSWORD: Type.Optional(Secret()),
    },
    environment,
  );
  const { [passwordVariable]: appPassword } = readConfig({ [passwordVariable]: Secret() }, environment);
  const { OBSERVER_PASSWORD: observerPassword, DLQ_OPERATOR_PASSWORD: dlqOperatorPassword } = config;
  const own = resolve(folder, migrations);
  await migrateDatabase({
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    ssl: config.POSTGRES_SSLMODE === 'verify-full',
    adminPassword: config.POSTGRES_PASSWORD,
    database,
    appPassword: String(appPassword),
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
