import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { errorCode } from '../errors.ts';
import { backoff, type RetryOptions, retry } from '../retry.ts';
import { openSocket } from './database-socket.ts';
import { guardTransactions } from './guard-statements.ts';
import { openDriver } from './open-driver.ts';
import type { PostgresServer } from './server.ts';
import { checkSession, type SessionOptions, STATEMENT_TIMEOUT, sessionSettings } from './session.ts';

/**
 * A Drizzle database outside a transaction. A transaction that only met bad luck is run again as a whole, so what it does
 * beside its statements must bear that.
 *
 * A statement that runs often ends in `.prepare(name).execute()`: without a name the server parses and plans it each
 * time, and it takes two round trips.
 */
export type Db = PostgresJsDatabase;
/** A Drizzle transaction. Functions that write take one as their first argument, so that they cannot open their own. */
export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0];

/** Where a service's database is, and who opens it. */
export interface DatabaseOptions extends SessionOptions, PostgresServer {
  database: string;
  user: string;
  password: string;
  /** The most connections this process opens; 10 when not given. */
  connections?: number;
}

export interface Database {
  db: Db;
  /** Resolves when the server answers a query; rejects with the driver's error, or a ConfigError for a pooler. */
  ping(): Promise<void>;
  /** Waits for running statements, 5 s unless said, then closes every connection: what still waits is rejected. */
  close(seconds?: number): Promise<void>;
}

/** After this long without a word, ms, the server is gone: a statement under way would have ended before. */
const SILENT_FOR = 2 * STATEMENT_TIMEOUT;

/** How often all idle connections are taken for a moment, ms. */
const TAKE_ALL_EVERY = 60_000;

/**
 * SQLSTATEs after which the same transaction can succeed at once. Of a plan whose columns changed (0A000) the driver
 * forgets the statement, and prepares it again the next time; each connection can fail so once for each statement. It also
 * sends that one again, behind those that were sent together with it, and they are heard of first: they say 25P02.
 */
const RUN_AGAIN = new Set(['0A000', '25P02', '40001', '40P01']);
const BAD_LUCK: RetryOptions = {
  // Less than a caller of HTTP waits. Whoever has more time takes it up from there.
  seconds: 5,
  retryable: (error) => RUN_AGAIN.has(errorCode(error)),
  wait: (failures) => backoff(failures, Math.random(), 5, 500),
};

/** The array types that parameters have, by their OIDs in pg_type. Results with arrays come as text. */
const ARRAYS = Object.fromEntries(
  Object.entries({ text: 1009, uuid: 2951, integer: 1007, bigint: 1016 }).map(([name, oid]) => [
    `${name}[]`,
    { to: oid, from: [oid], serialize: arrayLiteral, parse: String },
  ]),
);

/** The type that the driver gives a Date, by its OID in pg_type. */
const TIMESTAMPTZ = 1184;

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
  const client = openDriver({
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
    // What one session has prepared, the next one behind a pooler does not know.
    prepare: options.pooler !== true,
    types: ARRAYS,
    onnotice: () => undefined,
    connection: sessionSettings(options),
  });
  const timer = setInterval(() => takeAll(client, sockets), TAKE_ALL_EVERY).unref();
  const db = drizzle(guardTransactions(client));
  client.options.serializers[TIMESTAMPTZ] = instantText;
  const transaction = db.transaction.bind(db);
  db.transaction = (work, config) => retry(() => transaction(work, config), BAD_LUCK);
  return {
    db,
    ping: () => checkSession(client, options.pooler),
    close(seconds = 5) {
      clearInterval(timer);
      return client.end({ timeout: seconds });
    },
  };
}

/**
 * Asks every idle connection something. The driver (postgres 3.4.9) keeps a place for every statement since all of its
 * idle connections were last taken at once, and goes through the places at each statement: after a million that is 8 MB,
 * and 0.3 ms more for every statement. A query, because its `reserve()` can be lost with the connection that it waits for,
 * and one that could not connect takes the next connection that opens, for nobody (porsager/postgres#1195).
 *
 * @param count how many connections there are, idle or not
 */
function takeAll(client: postgres.Sql, count: number): void {
  for (let taken = 0; taken < count; taken++) {
    // One that breaks meanwhile is reported to those who have asked it something.
    client`select 1`.catch(() => undefined);
  }
}

/** Drizzle (0.45) has the driver send instants as they are, for its columns make text of them; one in `sql` is a Date still. */
function instantText(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
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
