import type { ConnectorFile } from '@walpost/scripts/connector-files';
import type postgres from 'postgres';
import { fromNowOn, namesOf, slotOf } from './connectors.js';
import { dropSlot, openSql } from './database.js';
import { openAdmin } from './kafka.js';
import type { Place } from './measurement.js';
import { openWatchedRelay, type WatchedRelay } from './relay-sample.js';
import { withReleases } from './releases.js';
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
      const own = fromNowOn(`relay-${relays}`);
      await withReleases(async (defer) =>
        work(await openWatchedRelay({ stack, defer }, (file) => change(own(file)))),
      );
      for (const name of namesOf(['order-outbox'], own)) await dropSlot(sql, slotOf(name));
    },
  };
}
