import { postgresSettings, readConfig, Secret } from '@walpost/kit/config';
import { kitMigrations, migrateDatabase, packageFolder } from '@walpost/kit/migrate';

const config = readConfig(
  { ...postgresSettings, POSTGRES_PASSWORD: Secret(), INVENTORY_PASSWORD: Secret(), CDC_PASSWORD: Secret() },
  process.env,
);

await migrateDatabase({
  host: config.POSTGRES_HOST,
  port: config.POSTGRES_PORT,
  adminPassword: config.POSTGRES_PASSWORD,
  database: 'inventory',
  appPassword: config.INVENTORY_PASSWORD,
  cdcPassword: config.CDC_PASSWORD,
  migrations: [
    kitMigrations.outbox,
    kitMigrations.inbox,
    { name: 'inventory', folder: packageFolder(import.meta.url, 'migrations') },
  ],
});
