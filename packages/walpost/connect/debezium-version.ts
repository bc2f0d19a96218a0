import type { ConnectPlugin } from './connect-client.ts';

/**
 * The first Debezium that skips no row after a restart: up to 3.6 one can be lost when Connect is killed right after a
 * heartbeat, or when rows share a position in the log.
 */
const OLDEST_DEBEZIUM = '3.7.0';

const POSTGRES_CONNECTOR = 'io.debezium.connector.postgresql.PostgresConnector';

/** Says what is wrong with the Debezium that Kafka Connect has, in one line; undefined when nothing is. */
export function debeziumProblem(plugins: readonly ConnectPlugin[]): string | undefined {
  const version = plugins.find((plugin) => plugin.class === POSTGRES_CONNECTOR)?.version;
  if (version === undefined)
    return `Kafka Connect has no ${POSTGRES_CONNECTOR}; is Debezium in its plugin.path?`;
  if (isNewEnough(version)) return undefined;
  return `Kafka Connect has Debezium ${version}, which can skip events after a restart; ${OLDEST_DEBEZIUM} is the oldest that does not`;
}

/** Whether a version like `3.7.0.Final` is the oldest that may be used, or newer; a preview of that one is not. */
export function isNewEnough(version: string): boolean {
  const oldest = OLDEST_DEBEZIUM.split('.').map(Number);
  const [numbers = '', qualifier = ''] = version.split(/(?<=^\d+\.\d+\.\d+)[.-]/);
  const given = numbers.split('.').map(Number);
  const differs = oldest.findIndex((number, at) => number !== given[at]);
  if (differs < 0) return !/^(alpha|beta|cr|rc|snapshot)/i.test(qualifier);
  return (given[differs] ?? 0) > (oldest[differs] ?? 0);
}
