import type { System } from '@walpost/kit/config';

/**
 * Who may connect, and to what (`pg_hba.conf`, Postgres documentation, chapter 20.1): everybody by a password, and
 * Debezium's role to the databases of those services only that publish.
 */
export function hostAccess({ services }: System): string {
  const databases = services.flatMap(({ publishes, database }) => (publishes ? database : []));
  return `# Who may connect, and to what. First match wins; everything is scram, nothing is trusted.
# Logical replication connects by database name, so cdc needs no line for the "replication" keyword.
# TYPE  DATABASE  USER  ADDRESS  METHOD
# The socket, where there is one: the official image prepares a new database through it.
local   all  postgres  scram-sha-256
${databases.length > 0 ? `host    ${databases.join(',')}  cdc  all  scram-sha-256\n` : ''}host    all  cdc  all  reject
# The standby of a cluster; elsewhere there is no such role.
host    replication  replicator  all  scram-sha-256
host    all  all  all  scram-sha-256
`;
}
