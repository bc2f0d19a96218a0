import type { OpenTransaction } from '@walpost/kit/kafka/requests';
import type { Slot } from '@walpost/kit/outbox/read-slots';
import type { EffectRow } from './observed-service.ts';
import type { ConnectorView } from './read-connectors.ts';
import type { DeadLetterView } from './read-dead-letters.ts';

/** Where a record of an event is, and when it was written there. */
export interface TimelineRecord {
  readonly partition: number;
  readonly offset: string;
  readonly at: number;
}

/** What became of an event at one of its consumers. */
export interface Delivery {
  readonly group: string;
  readonly shortName: string;
  /** When its transaction began that marked the event as seen. */
  readonly handledAt: number | null;
  /** Set when the consumer could not handle it, or parked it. */
  readonly deadLetter: DeadLetterView | null;
  /** The group has committed past it, though nothing of it is in the inbox any more. */
  readonly passed: boolean;
  /** False when the consumer's database did not say. */
  readonly known: boolean;
}

/** One event of a key, on its way. Times are milliseconds since the epoch. */
export interface TimelineEvent {
  readonly id: string;
  /** Without its namespace: `ShipmentBooked`. */
  readonly type: string;
  readonly service: string;
  readonly topic: string;
  readonly connector: string;
  readonly slot: string;
  readonly version: number;
  readonly writtenAt: number;
  readonly traceId: string | null;
  /** Null when it is not in the topic, or nobody could look. */
  readonly record: TimelineRecord | null;
  readonly deliveries: readonly Delivery[];
}

/** How far a group is that has not come to an event yet. */
export interface WaitingGroup {
  readonly group: string;
  readonly members: number;
  /** Records before the end of the event's partition that it has not committed. */
  readonly lag: number;
}

/** All that databases, Kafka and Connect know of one key. */
export interface Timeline {
  readonly key: string;
  readonly events: readonly TimelineEvent[];
  /** Dead letters of the key that are of no event in an outbox: somebody else wrote them into the topic. */
  readonly misrouted: readonly {
    readonly group: string;
    readonly shortName: string;
    readonly deadLetter: DeadLetterView;
  }[];
  readonly effects: readonly { readonly service: string; readonly rows: readonly EffectRow[] }[];
  /** Null when the source could not be asked. */
  readonly slots: readonly Slot[] | null;
  readonly connectors: readonly ConnectorView[] | null;
  readonly groups: readonly WaitingGroup[];
  /** Of other producers too: transactions that keep consumers from the end of a partition where the key's events belong. */
  readonly openTransactions: readonly OpenTransaction[];
  readonly kafka: boolean;
  /** A line for each source, or question to one, that was not answered. */
  readonly problems: readonly string[];
}

/** Whether an event has left the outbox: its record is there or, where nobody can look, somebody has read it. */
export function isRelayed({ record, deliveries }: TimelineEvent): boolean {
  return record !== null || deliveries.some(isOver);
}

/** Whether a consumer is done with an event, for good or as a dead letter. */
export function isOver({ handledAt, deadLetter, passed }: Delivery): boolean {
  return handledAt !== null || deadLetter !== null || passed;
}
