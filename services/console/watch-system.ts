import { attempt } from '@walpost/kit/observe/attempt';
import type { KafkaView } from '@walpost/kit/observe/kafka-view';
import type { Observed, Source } from '@walpost/kit/observe/observed-service';
import { readConnectors } from '@walpost/kit/observe/read-connectors';
import { type Counters, readCounters } from '@walpost/kit/observe/read-counters';
import { readOpenLetters } from '@walpost/kit/observe/read-letters';
import { readSlots } from '@walpost/kit/observe/read-slots';
import type { HttpAccess } from '@walpost/schemas/http-access';
import { recentOrders } from '@walpost/scripts/services';
import { judgeSystem } from './judge-system.js';
import { type Reading, rateOf } from './rates.js';
import type { OrderHead, ServiceView, Snapshot } from './snapshot.js';

export interface SystemSources {
  readonly observed: readonly Observed[];
  readonly kafka: KafkaView;
  readonly connect: HttpAccess;
}

/** What the sources say; the console adds what it does itself. */
export type SystemView = Omit<Snapshot, 'load' | 'scenario' | 'changeable' | 'traceUrl'>;

/** At most so many letters of a service are shown. */
const LETTERS = 50;
/** How long one source may hold the others back, ms. */
const ANSWER_WITHIN = 3_000;

/**
 * Makes the function that takes a picture of the whole system. It keeps earlier readings, for the rates. A source that
 * is still busy with the last picture is not asked again meanwhile.
 */
export function createSystemWatch({ observed, kafka, connect }: SystemSources): () => Promise<SystemView> {
  const readings = new Map<string, Reading[]>();
  const rate = (name: string, at: number, count: number | null | undefined) => {
    if (count === null || count === undefined) return null;
    const list = readings.get(name) ?? [];
    readings.set(name, list);
    return rateOf(list, { at, count });
  };
  const ask = joining();
  const names = observed.map(({ service }) => service.name);

  async function viewOf(each: Observed): Promise<ServiceView> {
    const { name, shortName, database, consumes, publishes, effect, backlog } = each.service;
    const [counters, letters] = await Promise.all([
      ask(`database ${database}`, () => readCounters(each)),
      ask(`dead letters in database ${database}`, () => readOpenLetters(each.db, LETTERS)),
    ]);
    const at = Date.now();
    const read: Counters | null = 'value' in counters ? counters.value : null;
    return {
      name,
      shortName,
      consumes,
      publishes: publishes ?? null,
      effect: effect.label,
      backlog: backlog?.label ?? null,
      counters,
      letters,
      rates: {
        outbox: rate(`${name} outbox`, at, read?.outbox),
        inbox: rate(`${name} inbox`, at, read?.inbox),
        effects: rate(`${name} effects`, at, read?.effects),
      },
    };
  }

  const first = observed[0]?.db;
  const orderDb = observed.find(({ service }) => service.database === recentOrders.database)?.db;

  return async () => {
    const [services, slots, connectors, topics, groups, orders] = await Promise.all([
      Promise.all(observed.map(viewOf)),
      ask('slots', async () => (first ? readSlots(first) : [])),
      ask('connectors', () => readConnectors(connect)),
      ask('Kafka', () => kafka.topics(), 'topics'),
      ask('Kafka', () => kafka.groups(names), 'groups'),
      ask('orders', async () => {
        if (!orderDb) return { latest: [], pending: [] };
        const [latest, pending] = await Promise.all([
          orderDb.execute(recentOrders.latest),
          orderDb.execute(recentOrders.pending),
        ]);
        return {
          latest: [...latest] as unknown as OrderHead[],
          pending: [...pending] as unknown as OrderHead[],
        };
      }),
    ]);
    const view = { at: Date.now(), services, slots, connectors, topics, groups, orders };
    return { ...view, concerns: judgeSystem(view) };
  };
}

/** `attempt`, where a question that is still open is joined instead of asked once more. */
function joining(): <T>(what: string, question: () => Promise<T>, key?: string) => Promise<Source<T>> {
  const open = new Map<string, Promise<unknown>>();
  return (what, question, key = what) => {
    const asked = (open.get(key) as ReturnType<typeof question> | undefined) ?? question();
    open.set(key, asked);
    const forget = () => open.delete(key);
    asked.then(forget, forget);
    return attempt(what, () => asked, ANSWER_WITHIN);
  };
}
