import postgres from 'postgres';

/** The driver's client: a tag for queries. Everything but migrations, tests and what starts a stack uses Drizzle's `Db`. */
export type Sql = postgres.Sql;

/**
 * Opens the driver with these options and no others. What they do not say it takes from the process's variables PG…,
 * which somebody has set for psql: after PGTARGETSESSIONATTRS=any it throws, and after =standby it finds no server.
 */
export function openDriver(options: postgres.Options<Record<string, postgres.PostgresType>>): Sql {
  // biome-ignore lint/style/noProcessEnv: the driver reads it, at once, and has no option that says not to
  const env = process.env;
  const meant = Object.entries(env).filter(([name]) => name.startsWith('PG'));
  for (const [name] of meant) delete env[name];
  try {
    return postgres(options);
  } finally {
    Object.assign(env, Object.fromEntries(meant));
  }
}
