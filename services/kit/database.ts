import { connect, type Socket } from 'node:net';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';

/** A Drizzle database outside a transaction. */
export type Db = PostgresJsDatabase;
/** A Drizzle transaction. Functions that write take one as their first argument, so that they cannot open their own. */
export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0];

/** Where a service's database is, and who opens it. */
export interface DatabaseOptions {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** Whether to speak TLS, and check the server's certificate and name; no when not given. */
  ssl?: boolean;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** The most connections this process opens; 10 when not given. */
  connections?: number;
}

export interface Database {
  db: Db;
  /** Resolves when the server answers a query; rejects with the driver's error otherwise. */
  ping(): Promise<void>;
  /** Waits up to 5 s for running statements, then closes every connection. */
  close(): Promise<void>;
}

/** How long a statement or a wait for a lock may last, ms. Above it the caller learns of it instead of hanging. */
const STATEMENT_TIMEOUT = 15_000;

/**
 * Opens a pool of connections, lazily: a server that is away fails the queries, not the start, and is used again as
 * soon as it is back.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const client = postgres({
    host: options.host,
    port: options.port,
    database: options.database,
    username: options.user,
    password: options.password,
    ssl: options.ssl ? 'verify-full' : false,
    max: options.connections ?? 10,
    connect_timeout: 5,
    // The driver's own back-off grows to 20 s, and a request would wait for it instead of hearing a 503.
    backoff: () => 0.2,
    ...{ socket: () => openSocket(options) },
    onnotice: () => undefined,
    connection: {
      application_name: options.applicationName,
      statement_timeout: STATEMENT_TIMEOUT,
      // A client that vanished in the middle of a transaction must not keep its locks.
      idle_in_transaction_session_timeout: 60_000,
    },
  });
  return {
    db: drizzle(client),
    async ping() {
      await client`select 1`;
    },
    close: () => client.end({ timeout: 5 }),
  };
}

/**
 * A connection whose end is an error. The driver takes one that is closed politely before it has logged in for nothing,
 * and connects again at once and for ever, while the query waits: that is what a balancer in front of a server that is
 * away does.
 */
function openSocket({ host, port }: DatabaseOptions): Socket {
  const socket = connect(port, host);
  socket.on('end', () =>
    socket.destroy(
      Object.assign(new Error('the server closed the connection'), { code: 'CONNECTION_CLOSED' }),
    ),
  );
  // What the driver would have written down, and checks the certificate's name against.
  return Object.assign(socket, { host, port });
}
