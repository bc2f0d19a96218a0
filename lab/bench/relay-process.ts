import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import type postgres from 'postgres';
import type { ConnectorFile } from 'walpost/connect/connector-files';
import { connectorsOf, namesOf, slotOf } from './connectors.ts';
import { openSql, slotBecomes } from './database.ts';
import { countRecords, openAdmin } from './kafka.ts';
import { BenchError, type Place } from './measurement.ts';
import { outboxColumns, outboxValues } from './order-sql.ts';

const CONNECTOR = 'order-outbox';
const TOPIC = 'order-events';
/** Orders that were merged, as they come under load. */
const ROWS_IN_TRANSACTION = 20;
/** The part of a backlog after which the connector's start is over. */
const STARTED = 0.05;
const DRAINED_WITHIN = 240_000;

/** How fast a backlog went to the topic, rows a second. */
export interface Drained {
  /** From the registration of the connector on. */
  withStart: number;
  /** From the first records on. */
  streaming: number;
}

/** The order service's connector, which runs while it drains, or between `start` and `stop`. */
export interface Relay {
  sql: postgres.Sql;
  /** Writes so many rows into the outbox, a few at a time as orders under load do. */
  fill(rows: number): Promise<void>;
  /** Registers the connector, waits until so many rows are on the topic, and removes it. */
  drain(rows: number): Promise<Drained>;
  start(): Promise<void>;
  /** Waits until it has let go of its slot: it sends until then. */
  stop(): Promise<void>;
}

/**
 * Registers the connector once, so that its slot is there, and removes it.
 *
 * @param change of the connector's file
 */
export async function openRelay(
  place: Place,
  change: (file: ConnectorFile) => ConnectorFile = (file) => file,
): Promise<Relay> {
  const sql = openSql(place, 'orders', 4);
  const admin = await openAdmin(place);
  const connectors = connectorsOf(place.stack);
  const names = namesOf([CONNECTOR], change);
  const start = () => connectors.apply([CONNECTOR], change);
  const stop = async () => {
    await connectors.remove(names);
    for (const name of names) await slotBecomes(sql, slotOf(name), 'free');
  };
  await start();
  await stop();
  return {
    sql,
    start,
    stop,
    fill: (rows) => fill(sql, rows),
    async drain(rows) {
      const before = await countRecords(admin, TOPIC);
      const begun = performance.now();
      const applied = start();
      const { started, seen, ended } = await drained(admin, before, rows);
      await applied;
      await stop();
      return {
        withStart: (rows / (ended - begun)) * 1_000,
        streaming: ((rows - seen) / (ended - started)) * 1_000,
      };
    },
  };
}

async function fill(sql: postgres.Sql, rows: number): Promise<void> {
  let left = Math.ceil(rows / ROWS_IN_TRANSACTION);
  const values = outboxValues('uuidv7()::text');
  const insert = `insert into outbox ${outboxColumns} select ${values} from generate_series(1, ${ROWS_IN_TRANSACTION})`;
  const writer = async () => {
    while (left-- > 0) await sql.unsafe(insert, [], { prepare: true });
  };
  await Promise.all(Array.from({ length: 4 }, writer));
}

/**
 * Waits until a topic has so many records more. The markers that end transactions count too, one for each partition of
 * a transaction of thousands: less than one in a thousand.
 */
async function drained(
  admin: Admin,
  before: number,
  rows: number,
): Promise<{ started: number; seen: number; ended: number }> {
  const until = Date.now() + DRAINED_WITHIN;
  let started: number | undefined;
  let seen = 0;
  for (;;) {
    const records = (await countRecords(admin, TOPIC)) - before;
    if (started === undefined && records >= rows * STARTED) {
      started = performance.now();
      seen = records;
    }
    if (records >= rows) return { started: started ?? performance.now(), seen, ended: performance.now() };
    if (Date.now() > until) throw new BenchError(`${records} of ${rows} rows are on ${TOPIC} after 240 s`);
    await delay(20);
  }
}
