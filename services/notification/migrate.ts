import { postgresSettings, readConfig, Secret } from '@walpost/kit/config';
import { kitMigrations, migrateDatabase, packageFolder } from '@walpost/kit/migrate';

const config = readConfig(
  { ...postgresSettings, POSTGRES_PASSWORD: Secret(), NOTIFICATIONS_PASSWORD: Secret() },
  process.env,
);

await migrateDatabase({
  host: config.POSTGRES_HOST,
  port: config.POSTGRES_PORT,
  adminPassword: config.POSTGRES_PASSWORD,
  database: 'notifications',
  appPassword: config.NOTIFICATIONS_PASSWORD,
  migrations: [
    kitMigrations.inbox,
    { name: 'notifications', folder: packageFolder(import.meta.url, 'migrations') },
  ],
});
