import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { openSocket } from './database-socket.js';

/**
 * A Drizzle database outside a transaction.
 *
 * A statement that runs often ends in `.prepare(name).execute()`: without a name the server parses and plans it each
 * time, and it takes two round trips.
 */
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
/** After this long without a word, ms, the server is gone: a statement under way would have ended before. */
const SILENT_FOR = 2 * STATEMENT_TIMEOUT;

/** How often all idle connections are taken for a moment, ms. */
const TAKE_ALL_EVERY = 60_000;

/** The array types that parameters have, by their OIDs in pg_type. Results with arrays come as text. */
const ARRAYS = Object.fromEntries(
  Object.entries({ text: 1009, uuid: 2951, integer: 1007, bigint: 1016 }).map(([name, oid]) => [
    `${name}[]`,
    { to: oid, from: [oid], serialize: arrayLiteral, parse: String },
  ]),
);

/**
 * Opens a pool of connections, lazily: a server that is away fails the queries, not the start, and is used again as
 * soon as it is back.
 */
export function openDatabase(options: DatabaseOptions): Database {
  let sockets = 0;
  const open = async () => {
    const socket = await openSocket(options, SILENT_FOR);
    sockets += 1;
    return socket.once('close', () => {
      sockets -= 1;
    });
  };
  const client = postgres({
    host: options.host,
    port: options.port,
    database: options.database,
    username: options.user,
    password: options.password,
    max: options.connections ?? 10,
    connect_timeout: 5,
    // The driver's own back-off grows to 20 s, and a request would wait for it instead of hearing a 503.
    backoff: () => 0.2,
    // Speaks TLS where that is asked for. Missing in the driver's types.
    ...{ socket: open },
    // Asked of the server, a connection that breaks meanwhile would end the process: nobody handles that error.
    fetch_types: false,
    types: ARRAYS,
    onnotice: () => undefined,
    connection: {
      application_name: options.applicationName,
      statement_timeout: STATEMENT_TIMEOUT,
      // A client that vanished in the middle of a transaction must not keep its locks.
      idle_in_transaction_session_timeout: 60_000,
    },
  });
  const timer = setInterval(() => takeAll(client, sockets), TAKE_ALL_EVERY).unref();
  return {
    db: drizzle(client),
    async ping() {
      await client`select 1`;
    },
    close() {
      clearInterval(timer);
      return client.end({ timeout: 5 });
    },
  };
}

/**
 * Takes every idle connection, and gives each back at once. The driver (postgres 3.4.9) keeps a place for every statement
 * since all of its idle connections were last taken, and goes through the places at each statement: after a million that
 * is 8 MB, and 0.3 ms more for every statement.
 *
 * @param count how many connections there are, idle or not
 */
function takeAll(client: postgres.Sql, count: number): void {
  for (let taken = 0; taken < count; taken++) {
    // One that breaks meanwhile is told of to those who have asked it something.
    client.reserve().then(
      (connection) => connection.release(),
      () => undefined,
    );
  }
}

/** Writes an array as Postgres reads it (documentation, "Array Input and Output Syntax"). What is text already stays it. */
function arrayLiteral(values: readonly (string | number | null)[] | string): string {
  if (typeof values === 'string') return values;
  return `{${values.map(element).join(',')}}`;
}

/** Most values need no escape, and looking for one is cheaper than replacing none. */
function element(value: string | number | null): string | number {
  if (value === null) return 'null';
  if (typeof value === 'number') return value;
  const text = String(value);
  return text.includes('"') || text.includes('\\') ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}
