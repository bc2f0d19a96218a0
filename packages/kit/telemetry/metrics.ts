import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { withFormerMetrics } from '../former-names.ts';
import { attempt } from './attempt.ts';

/** The metrics of this process, shown at /metrics: a process is one service. */
export const registry = new Registry();

/** A gauge of this process. Instances of a service report the same of their database: `max by (database)` counts it once. */
export const gauge = (name: string, help: string, ...labelNames: string[]): Gauge =>
  new Gauge({ name, help, labelNames, registers: [registry] });

/** How old an answer may be that the next scrape gets again, ms: however many scrapers cost what one does. */
const KEEP = 4_000;
/** How long a scrape waits for one source, ms: half of Prometheus's own time-out at a scrape every 5 s. */
const ANSWER_WITHIN = 2_000;

const sourceUp = gauge(
  'walpost_source_up',
  '1 when the source (a database, Kafka, Kafka Connect) answered the last scrape; what it reports is missing otherwise.',
  'source',
);

const sources = new Set<() => Promise<void>>();

/**
 * Adds what is read when somebody scrapes, and at no other time. A source that is away or slow never fails the scrape:
 * `walpost_source_up` says so, and `show` gets null.
 *
 * @param source names it in the label, e.g. `database shipment`
 * @param show sets gauges; null stands for no answer, and they are to be emptied
 * @returns removes it
 */
export function onScrape<T>(
  source: string,
  read: () => Promise<T>,
  show: (value: T | null) => void,
): () => void {
  let readAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<T> | undefined;
  const refresh = async () => {
    // A read that is late is joined by the next scrape: there is never more than one.
    underWay ??= read().finally(() => {
      underWay = undefined;
    });
    const asked = underWay;
    const answer = await attempt(source, () => asked, ANSWER_WITHIN);
    const value = 'value' in answer ? answer.value : null;
    sourceUp.set({ source }, value === null ? 0 : 1);
    show(value);
  };
  const scraped = async () => {
    if (performance.now() - readAt < KEEP) return;
    readAt = performance.now();
    await refresh();
  };
  sources.add(scraped);
  return () => {
    sources.delete(scraped);
    sourceUp.remove({ source });
    show(null);
  };
}

/** The answer to a scrape, in Prometheus's text format (`registry.contentType`). */
export async function renderMetrics(): Promise<string> {
  await Promise.all([...sources].map((scraped) => scraped()));
  return withFormerMetrics(await registry.metrics());
}

/**
 * Begins the metrics of the process itself (`process_…`, `nodejs_…`) and puts a label on everything.
 *
 * @param service its name; of a consuming service also its consumer group
 */
export function describeProcess(service: string): void {
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
}

/** Age in seconds of an instant in ms, 0 for none. */
export function secondsSince(at: number | null): number {
  return at === null ? 0 : Math.max(0, Date.now() - at) / 1000;
}
