import { Type } from 'typebox';

/** How long events are kept and remembered, for `readConfig`; {@link retentionProblem} says what goes together. */
export const retentionSettings = {
  INBOX_RETENTION_DAYS: Type.Integer({ default: 14, minimum: 2 }),
  OUTBOX_RETENTION_DAYS: Type.Integer({ default: 7, minimum: 1 }),
};

/** A topic and the settings of it that decide how long a record can be read. */
export interface TopicRetention {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
}

const DAY_MS = 86_400_000;
/** Kafka's own, for a topic that says nothing. */
const DEFAULT_MS = String(7 * DAY_MS);

/**
 * How many days a record can be read from a topic, rounded up; Infinity when it stays for good. A segment goes as a
 * whole, `retention.ms` after its last record, and its first record may be `segment.ms` older than that.
 */
export function readableDays({ config }: TopicRetention): number {
  const retention = Number(config['retention.ms'] ?? DEFAULT_MS);
  const segment = Number(config['segment.ms'] ?? DEFAULT_MS);
  if (retention < 0 || config['cleanup.policy'] === 'compact') return Infinity;
  return Math.ceil((retention + segment) / DAY_MS);
}

/**
 * Says what is wrong with retentions that do not hold together, in one line with what to set; undefined when they do.
 * An inbox outlives whatever could send an event again:
 * - its topics, by a day, for deletion that is late;
 * - the outbox, by two: that keeps whole days, and drops one only after a slot has moved on.
 *
 * @param topics those that the inbox's service reads
 */
export function retentionProblem(
  {
    INBOX_RETENTION_DAYS: inbox,
    OUTBOX_RETENTION_DAYS: outbox,
  }: Record<keyof typeof retentionSettings, number>,
  topics: readonly TopicRetention[],
): string | undefined {
  const longest = topics.toSorted((a, b) => readableDays(b) - readableDays(a))[0];
  const readable = longest ? readableDays(longest) : 0;
  if (longest && readable === Infinity) {
    return `topic ${longest.name} keeps its records for good, and an inbox forgets: set its retention.ms, and cleanup.policy to delete`;
  }
  const needed = Math.max(readable + 1, outbox + 2);
  if (inbox >= needed) return undefined;
  const why =
    longest && readable + 1 >= outbox + 2
      ? `a record of ${longest.name} can be read for ${readable} days (retention.ms and segment.ms)`
      : `an outbox may send again what is ${outbox + 1} days old (OUTBOX_RETENTION_DAYS is ${outbox})`;
  return `INBOX_RETENTION_DAYS (${inbox}) must be at least ${needed}: ${why}, and what comes again must still be known`;
}
