import { type Evidence, flows, type Topic, topics } from './evidence.ts';
import type { Inflicted } from './inflict.ts';
import type { Fault, KindName, Service } from './plan.ts';
import { services } from './plan.ts';

/** How long it took from the fault, or from its end when it lasts, to the next event handled by whom it hit. */
export interface Recovery {
  readonly fault: Fault;
  /** ms; undefined when no event came afterwards. */
  readonly took: number | undefined;
  /** Whether no other fault fell into that time. */
  readonly alone: boolean;
}

/** Kinds that bring nothing to a halt. */
const harmless: readonly KindName[] = [
  'poison',
  'delay',
  'churn',
  'clock',
  'foreign-batch',
  'oversized-row',
  'logical-message',
];
/** Kinds that are over by themselves: what counts is from when they began. */
const instant: readonly KindName[] = [
  'kill',
  'term',
  'slot-drop',
  'bulk-and-restart',
  'connect-kill-after-heartbeat',
];

/** When the events of a topic that were written after a moment reached a consumer for the first time. */
interface Handling {
  readonly topic: Topic;
  readonly written: number;
  readonly handled: number;
}

/** Works out how long each fault was felt: until everybody it hit had handled an event that was written after it. */
export function recoveries(faults: readonly Inflicted[], evidence: Evidence): Recovery[] {
  const handled = handlings(evidence);
  const counted = faults.filter(({ skipped }) => skipped === undefined);
  return counted
    .filter(({ fault: { kind } }) => !harmless.includes(kind))
    .map((each) => {
      const start = startOf(each);
      const topic = topicOf(each.fault);
      const services = affected(each.fault, topic);
      const ends = services.map((service) => firstHandled(handled.get(service) ?? [], start, topic));
      const end = Math.max(...ends);
      if (!Number.isFinite(end)) return { fault: each.fault, took: undefined, alone: false };
      const alone = counted.every(
        (other) =>
          other === each ||
          PASSING.includes(other.fault.kind) ||
          other.to + SHADOW < each.from ||
          other.from > end,
      );
      return { fault: each.fault, took: end - start, alone };
    });
}

/** When the first event was handled that was written after a moment; of one topic, when it is given. */
function firstHandled(events: readonly Handling[], start: number, topic: Topic | undefined): number {
  let first = Number.POSITIVE_INFINITY;
  // One that was handled before it was written was written by a clock that is wrong.
  for (const event of events)
    if (
      event.written > start &&
      event.written <= event.handled &&
      (topic === undefined || event.topic === topic)
    )
      first = Math.min(first, event.handled);
  return first;
}

/** Kinds that nobody else feels. */
const PASSING: readonly KindName[] = ['poison', 'foreign-batch', 'oversized-row', 'logical-message'];

/** A fault is felt for a while after its end, ms. */
const SHADOW = 10_000;

function startOf({ fault, from, to }: Inflicted): number {
  return instant.includes(fault.kind) ? from : to;
}

function handlings({ outbox, inbox }: Evidence): Map<Service, Handling[]> {
  const written = new Map(
    topics.flatMap((topic) => outbox[topic].map(({ id, at }) => [id, { topic, written: at }] as const)),
  );
  return new Map(
    services.map((service) => [
      service,
      inbox[service].flatMap(({ id, at }) => {
        const event = written.get(id);
        return event === undefined ? [] : [{ ...event, handled: at }];
      }),
    ]),
  );
}

/** The topic that a fault of a connector holds up, and no other. */
function topicOf({ kind, target }: Fault): Topic | undefined {
  return /^(connector-|slot-|task-)/.test(kind)
    ? topics.find((name) => name === `${target.replace(/-outbox$/, '')}-events`)
    : undefined;
}

/** Whose events a fault holds up. */
function affected({ target }: Fault, topic: Topic | undefined): readonly Service[] {
  if (topic) return flows[topic].to;
  const part = target.split('>')[0] ?? '';
  return services.filter((service) => service === part || !services.some((name) => name === part));
}
