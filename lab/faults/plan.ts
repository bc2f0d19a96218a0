import { between, pick, type Random, random, shuffled } from './random.ts';

export const services = ['order', 'payment', 'inventory', 'notification'] as const;
export type Service = (typeof services)[number];
export const parts = [...services, 'connect', 'kafka', 'registry', 'postgres'] as const;
export type Part = (typeof parts)[number];
/** The services that have an outbox. */
export const publishers = ['order', 'payment', 'inventory'] as const;
export type Publisher = (typeof publishers)[number];
export const connectors = ['order-outbox', 'payment-outbox', 'inventory-outbox'] as const;
/** Who talks to what, through a proxy each: `order>kafka`. */
export const links = [
  ...services.flatMap((name) => [`${name}>kafka`, `${name}>postgres`, `${name}>registry`]),
  'connect>kafka',
  'connect>postgres',
] as const;
export const poisons = [
  'no-key',
  'no-value',
  'empty-value',
  'bad-magic-byte',
  'unknown-schema-id',
  'foreign-type',
  'truncated',
  'trailing-bytes',
  'random-bytes',
  'no-id',
  'bad-id',
  'no-version',
  'bad-version',
  'binary-key',
  'long-key',
  'unknown-order',
  'before-an-order',
  'sent-again',
] as const;
export type PoisonKind = (typeof poisons)[number];
/** The codecs of Kafka; the relay uses none of them, others may. */
export const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof codecs)[number];
/** Whose rows another program locks for a while. */
const lockable = ['orders', 'payments', 'stock', 'emails'] as const;
export type Lockable = (typeof lockable)[number];
/** How another program ends the transaction that it has kept open on a topic. */
const transactionEnds = ['aborted', 'left-open'] as const;
export type TransactionEnd = (typeof transactionEnds)[number];

interface Kind {
  readonly targets: readonly string[];
  /** How long it lasts at least and at most, s; a kind without is over when the part serves again. */
  readonly seconds?: readonly [number, number];
}

/** What can happen, and to whom. */
export const kinds = {
  kill: { targets: parts },
  term: { targets: parts },
  pause: { targets: parts, seconds: [1, 40] },
  cut: { targets: links, seconds: [1, 20] },
  stall: { targets: links, seconds: [1, 20] },
  delay: { targets: links, seconds: [3, 20] },
  'connector-pause': { targets: connectors, seconds: [1, 15] },
  'connector-delete': { targets: connectors, seconds: [0, 10] },
  'slot-drop': { targets: connectors },
  'task-failed': { targets: connectors, seconds: [1, 10] },
  churn: { targets: services, seconds: [2, 20] },
  clock: { targets: services, seconds: [5, 20] },
  poison: { targets: poisons },
  'bulk-and-restart': { targets: ['connect'] },
  'lock-rows': { targets: lockable, seconds: [5, 30] },
  'alter-tables': { targets: services },
  'postgres-stall': { targets: ['postgres'], seconds: [30, 30] },
  'foreign-transaction': { targets: transactionEnds, seconds: [3, 20] },
  'foreign-batch': { targets: codecs },
  'oversized-row': { targets: publishers },
  'logical-message': { targets: publishers },
  'connect-kill-after-heartbeat': { targets: ['connect'] },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as KindName[];

/** One fault of a schedule. */
export interface Fault {
  /** Its number in the schedule, by which `--only` names it. */
  readonly number: number;
  readonly kind: KindName;
  readonly target: string;
  /** When it begins, ms after the load. */
  readonly at: number;
  /** How long it lasts, ms; 0 for a kind that ends by itself. */
  readonly lasts: number;
}

/**
 * Draws a schedule. It follows from its arguments alone. Every kind comes once before any comes twice, and so does every
 * target of a kind; they are spread over the time with jitter, and may overlap.
 *
 * @param span time in which faults begin, ms
 * @param longest the longest a fault may last, s
 * @param names the kinds to draw from
 */
export function makePlan(
  seed: number,
  count: number,
  span: number,
  longest: number,
  names: readonly KindName[] = kindNames,
): Fault[] {
  const next = random(seed);
  const kindOf = cycle(next, names);
  const targetsOf = new Map(kindNames.map((name) => [name, cycle<string>(next, kinds[name].targets)]));
  return Array.from({ length: count }, (_, number) => {
    const kind = kindOf();
    const spec: Kind = kinds[kind];
    const target = targetsOf.get(kind)?.() ?? pick(next, spec.targets);
    const at = Math.round(((number + next()) * span) / count);
    const [least, most] = spec.seconds ?? [0, 0];
    const lasts = between(next, least * 1000, Math.max(least, Math.min(most, longest)) * 1000);
    return { number, kind, target, at, lasts };
  });
}

/** Gives the elements of a list in a random order, and then again in another. */
function cycle<T>(next: Random, list: readonly T[]): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = shuffled(next, list);
    return left.pop() ?? pick(next, list);
  };
}

/** A fault in one line. */
export function describeFault({ number, kind, target, lasts }: Fault): string {
  return `#${number} ${kind} ${target}${lasts > 0 ? ` for ${(lasts / 1000).toFixed(1)} s` : ''}`;
}
