import type { PoisonKind, Service } from './plan.ts';

// What the checker looks at. Nothing here comes from the services' code: rows are as SQL gives them, records as bytes.

export interface Item {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: number;
}

/** One order as the load asked for it, and what it was answered. */
export interface Ask {
  /** The idempotency key, the same at every try. */
  readonly key: string;
  readonly customerId: string;
  readonly currency: string;
  readonly items: readonly Item[];
  /** When it was tried and what came back: a status, or why nothing did; ms since the epoch. */
  readonly tries: { readonly at: number; readonly answer: string }[];
  /** Every order id that an answer of 201 named; more than one is a fault. */
  readonly ids: string[];
  /** Its cancellation, when one was asked for. */
  cancel?: { readonly at: number; answer: string };
}

/** Bad records, those of a compressed batch, and those of a transaction that was never committed. */
export type PlantedKind = PoisonKind | 'compressed' | 'uncommitted';

/** A record that the lab wrote straight to a topic. */
export interface Planted {
  /** In the record's header `planted`. */
  readonly id: string;
  readonly kind: PlantedKind;
  readonly topic: string;
  readonly key: string | null;
  readonly at: number;
}

/** Something that the database must refuse, and what it did; `00000` when it was done. */
export interface Attempt {
  readonly what: string;
  /** SQLSTATEs. */
  readonly expected: string;
  readonly answered: string;
}

/** What was seen of the services while their database stalled under a load. */
export interface Stall {
  /** Orders that were asked for meanwhile, each once. */
  readonly asks: readonly Ask[];
  /** The longest that `/health/live` took, ms, by service. */
  readonly slowest: Readonly<Record<Service, number>>;
  /** By how much the log grew, bytes, by service. */
  readonly logged: Readonly<Record<Service, number>>;
}

export interface OrderRow {
  readonly id: string;
  readonly customer: string;
  readonly currency: string;
  readonly items: readonly Item[];
  readonly total: number;
  readonly status: string;
  readonly payment: string;
  readonly stock: string;
  readonly reason: string | null;
  readonly version: number;
  readonly key: string | null;
  readonly at: number;
}

export interface PaymentRow {
  readonly id: string;
  readonly order: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly reason: string | null;
  readonly at: number;
}

export interface ReservationRow {
  readonly order: string;
  readonly sku: string;
  readonly quantity: number;
  readonly status: string;
  readonly at: number;
}

export interface StockRow {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
}

export interface EmailRow {
  readonly id: string;
  readonly order: string;
  readonly kind: string;
  readonly status: string;
  readonly at: number;
}

export interface OutboxRow {
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly type: string;
  readonly payload: Buffer;
  readonly at: number;
}

export interface InboxRow {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly version: number;
  readonly at: number;
}

export interface DeadLetterRow {
  readonly id: number;
  readonly state: string;
  readonly topic: string;
  readonly key: string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly code: string | null;
  readonly message: string | null;
  readonly at: number;
}

/** A record as it is on a topic. */
export interface TopicRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly at: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A schema of the registry, ready to read bytes with. */
export interface Reader {
  readonly name: string;
  /** Reads a body; throws when it is not one, or not all of it. */
  read(body: Buffer): unknown;
}

export const topics = ['order-events', 'payment-events', 'inventory-events'] as const;
export type Topic = (typeof topics)[number];

/** Who publishes a topic, and who acts on it. */
export const flows: Readonly<Record<Topic, { from: Service; to: readonly Service[] }>> = {
  'order-events': { from: 'order', to: ['payment', 'inventory', 'notification'] },
  'payment-events': { from: 'payment', to: ['order'] },
  'inventory-events': { from: 'inventory', to: ['order'] },
};

/** All that can be seen of an idle system. */
export interface Evidence {
  readonly asks: readonly Ask[];
  readonly planted: readonly Planted[];
  readonly attempts: readonly Attempt[];
  readonly stalls: readonly Stall[];
  /** Whether a fault of this run makes the relay send rows again: a lost slot, a deleted connector. */
  readonly repeats: boolean;
  readonly orders: readonly OrderRow[];
  readonly payments: readonly PaymentRow[];
  readonly reservations: readonly ReservationRow[];
  /** Before and after. */
  readonly stock: { readonly before: readonly StockRow[]; readonly after: readonly StockRow[] };
  readonly emails: readonly EmailRow[];
  readonly outbox: Readonly<Record<Topic, readonly OutboxRow[]>>;
  readonly inbox: Readonly<Record<Service, readonly InboxRow[]>>;
  readonly deadLetters: Readonly<Record<Service, readonly DeadLetterRow[]>>;
  readonly records: Readonly<Record<Topic, readonly TopicRecord[]>>;
  /** By schema id. */
  readonly schemas: ReadonlyMap<number, Reader>;
}

/** The header by which the lab knows its own records. */
export const PLANTED = 'planted';

/** Whether a record or a dead letter was put there by the lab. */
export function plantedIn(headers: Readonly<Record<string, string>>): string | undefined {
  return headers[PLANTED];
}
