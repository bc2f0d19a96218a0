/** An outbox row, without its payload. `at` is ms since the epoch. */
export interface AuditedRow {
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly type: string;
  readonly at: number;
}

/** A record on the topic; `at` is its `ce_time`, NaN when it has none. */
export interface SeenRecord {
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly at: number;
  readonly where: string;
}

/** One topic, seen from all sides. */
export interface AuditedTopic {
  /** The service that writes it, as the command line calls it. */
  readonly publisher: string;
  readonly topic: string;
  readonly rows: readonly AuditedRow[];
  /** In the order of each partition. */
  readonly records: readonly SeenRecord[];
  readonly consumers: readonly {
    readonly service: string;
    readonly seen: readonly { readonly id: string; readonly key: string; readonly version: number }[];
  }[];
  /** From when on the topic keeps records, ms since the epoch: what is older may have gone by its retention. */
  readonly keptSince: number;
  /** Why what is last in the partition of a key cannot be read; undefined when it can. */
  readonly unreadable: (key: string) => string | undefined;
}

export interface Difference {
  readonly what:
    | 'not on the topic'
    | 'cannot be read yet'
    | 'not in the outbox'
    | 'twice on the topic'
    | 'out of order'
    | 'not seen';
  readonly publisher: string;
  readonly topic: string;
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly at: number;
  /** Places on the topic, or the consumer that has not seen it. */
  readonly where: string;
  /** Consumers that have seen a later event of the key and not this one: it would reach them out of order. */
  readonly supersededAt: readonly string[];
}

/**
 * Compares outbox, topic and inboxes.
 *
 * @param since only events written from then on, ms since the epoch
 * @param until and not after
 */
export function findDifferences(audited: AuditedTopic, since: number, until: number): Difference[] {
  const { publisher, topic, rows, records, consumers, keptSince, unreadable } = audited;
  const places = new Map<string, string[]>();
  for (const { id, where } of records) places.set(id, [...(places.get(id) ?? []), where]);
  const inboxes = consumers.map(({ service, seen }) => {
    const newest = new Map<string, number>();
    for (const { key, version } of seen) newest.set(key, Math.max(version, newest.get(key) ?? 0));
    return { service, newest, ids: new Set(seen.map(({ id }) => id)) };
  });
  const supersededAt = ({ id, key, version }: { id: string; key: string; version: number }) =>
    inboxes
      .filter(({ ids, newest }) => !ids.has(id) && (newest.get(key) ?? 0) > version)
      .map(({ service }) => service);
  const found: Difference[] = [];
  const add = (what: Difference['what'], event: Omit<AuditedRow, 'type'>, where: string) => {
    const { id, key, version, at } = event;
    found.push({ what, publisher, topic, id, key, version, at, where, supersededAt: supersededAt(event) });
  };

  const inRange = rows.filter(({ at }) => at >= since && at <= until);
  for (const row of inRange) {
    const own = places.get(row.id) ?? [];
    const isSeenByAll = inboxes.every(({ ids }) => ids.has(row.id));
    // It was there, and has had its time: to publish it again would fill the topic with what nobody misses.
    if (own.length === 0 && row.at < keptSince && isSeenByAll) continue;
    const hidden = own.length === 0 ? unreadable(row.key) : undefined;
    if (hidden !== undefined) {
      // Nobody can have seen it there, and it may well be there: to publish it again would help nobody.
      add('cannot be read yet', row, hidden);
      continue;
    }
    if (own.length === 0) add('not on the topic', row, '-');
    if (own.length > 1) add('twice on the topic', row, own.join(' '));
    for (const { service, ids } of inboxes) if (!ids.has(row.id)) add('not seen', row, service);
  }
  const known = new Set(rows.map(({ id }) => id));
  for (const record of records) {
    // A record of an older event that was published again has its old time.
    const isInRange = Number.isNaN(record.at) || (record.at >= since && record.at <= until);
    if (isInRange && !known.has(record.id)) add('not in the outbox', record, record.where);
  }
  const audible = new Set(inRange.map(({ id }) => id));
  const last = new Map<string, number>();
  for (const record of firstOnes(records)) {
    const before = last.get(record.key);
    if (before !== undefined && record.version !== before + 1 && audible.has(record.id))
      add('out of order', record, `${record.where}, after version ${before}`);
    last.set(record.key, Math.max(record.version, before ?? 0));
  }
  return found;
}

function firstOnes(records: readonly SeenRecord[]): SeenRecord[] {
  const seen = new Set<string>();
  return records.filter(({ id }) => {
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}
