import type { ConnectorFile } from '@walpost/scripts/connector-files';
import type postgres from 'postgres';
import { openSql } from './database.js';
import { openAdmin } from './kafka.js';
import type { Place } from './measurement.js';
import { openWatchedRelay, type WatchedRelay } from './relay-sample.js';
import { resizeOutbox, resizeTopic } from './resize.js';

/** The order service's outbox and its topic, which become larger and smaller together. */
export interface GrowingOutbox {
  sql: postgres.Sql;
  /** @param size rows in the outbox, and records on the topic */
  resize(size: number): Promise<void>;
  /** Does something with a relay of what is written from now on: the rows that made the table large are not for sending. */
  withRelay(work: (relay: WatchedRelay) => Promise<void>): Promise<void>;
}

/** @param change of the connector's file */
export async function openGrowingOutbox(
  place: Place,
  change: (file: ConnectorFile) => ConnectorFile = (file) => file,
): Promise<GrowingOutbox> {
  const { stack } = place;
  const sql = openSql(place, 'orders', 2);
  const admin = await openAdmin(place);
  let relays = 0;
  return {
    sql,
    async resize(size) {
      await resizeOutbox(sql, size);
      await resizeTopic(stack, admin, 'order-events', size);
    },
    async withRelay(work) {
      relays += 1;
      const name = `growth-${relays}`;
      const slot = `growth_${relays}`;
      const releases: (() => unknown)[] = [];
      try {
        const here = { stack, defer: (release: () => unknown) => releases.push(release) };
        await work(await openWatchedRelay(here, (file) => change(renamed(file, name, slot))));
      } finally {
        for (const release of releases.reverse()) await release();
      }
      // It would keep the log of all that follows.
      await sql`select pg_drop_replication_slot(${slot})`;
    },
  };
}

/** A connector of its own, so that it begins where it is registered. */
function renamed({ config }: ConnectorFile, name: string, slot: string): ConnectorFile {
  return {
    name,
    config: {
      ...config,
      'topic.prefix': name,
      'slot.name': slot,
      'snapshot.mode': 'no_data',
      // Its topic is not in the table of topics.
      'heartbeat.interval.ms': '0',
    },
  };
}
