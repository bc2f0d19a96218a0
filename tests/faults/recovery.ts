import { type Evidence, flows, topics } from './evidence.js';
import type { Inflicted } from './inflict.js';
import type { Fault, KindName, Service } from './plan.js';
import { services } from './plan.js';

/** How long it took from the fault, or from its end when it lasts, to the next event handled by whom it hit. */
export interface Recovery {
  readonly fault: Fault;
  /** ms; undefined when no event came afterwards. */
  readonly took: number | undefined;
  /** Whether no other fault fell into that time. */
  readonly alone: boolean;
}

/** Kinds that bring nothing to a halt. */
const harmless: readonly KindName[] = ['poison', 'delay', 'churn', 'clock'];
/** Kinds that are over by themselves: what counts is from when they began. */
const instant: readonly KindName[] = ['kill', 'term', 'slot-drop', 'bulk-and-restart'];

/** When the events of a topic that were written after a moment reached a consumer for the first time. */
interface Handling {
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
      const ends = affected(each.fault).map((service) =>
        Math.min(
          ...(handled.get(service) ?? [])
            .filter(({ written }) => written > start)
            .map((event) => event.handled),
        ),
      );
      const end = Math.max(...ends);
      if (!Number.isFinite(end)) return { fault: each.fault, took: undefined, alone: false };
      const alone = counted.every(
        (other) =>
          other === each ||
          other.fault.kind === 'poison' ||
          other.to + SHADOW < each.from ||
          other.from > end,
      );
      return { fault: each.fault, took: end - start, alone };
    });
}

/** A fault is felt for a while after its end, ms. */
const SHADOW = 10_000;

function startOf({ fault, from, to }: Inflicted): number {
  return instant.includes(fault.kind) ? from : to;
}

function handlings({ outbox, inbox }: Evidence): Map<Service, Handling[]> {
  const written = new Map(topics.flatMap((topic) => outbox[topic].map(({ id, at }) => [id, at] as const)));
  return new Map(
    services.map((service) => [
      service,
      inbox[service].flatMap(({ id, at }) => {
        const from = written.get(id);
        return from === undefined ? [] : [{ written: from, handled: at }];
      }),
    ]),
  );
}

/** Whose events a fault holds up. */
function affected({ kind, target }: Fault): readonly Service[] {
  const part = target.split('>')[0] ?? '';
  const topic = topics.find((name) => name === `${part.replace(/-outbox$/, '')}-events`);
  if (/^(connector-|slot-|task-)/.test(kind)) return topic ? flows[topic].to : services;
  return services.filter((service) => service === part || !services.some((name) => name === part));
}
