import type { GroupProgress } from '@walpost/kit/observe/describe-group';
import type { Concern, ServiceView, Snapshot } from './snapshot.js';

/** Waiting longer than this is worth a word, ms. */
const PATIENCE = 10_000;
/** Gigabytes of log kept for one slot that are worth a word, in bytes. */
const MUCH_LOG = 1024 ** 3;

type Sources = Pick<Snapshot, 'at' | 'services' | 'slots' | 'connectors' | 'groups' | 'topics' | 'orders'>;

/** Says what is wrong with the system, the cause before what follows from it. */
export function judgeSystem(sources: Sources): Concern[] {
  return [
    ...unasked(sources),
    ...relays(sources),
    ...readers(sources),
    ...sources.services.flatMap(letters),
    ...pending(sources),
  ];
}

function unasked({ services, slots, connectors, groups, topics }: Sources): Concern[] {
  const databases = services.map(({ counters }) => counters);
  const errors = [...databases, slots, connectors, groups, topics].flatMap((source) =>
    'error' in source ? [source.error] : [],
  );
  return [...new Set(errors)].map((error) => {
    const [where = '', ...rest] = error.split(': ');
    return { where, what: rest.join(': '), since: null, help: null };
  });
}

function relays({ services, slots, connectors }: Sources): Concern[] {
  return services.flatMap(({ publishes }): Concern[] => {
    if (!publishes || !('value' in connectors)) return [];
    const { connector: name } = publishes;
    const slot = 'value' in slots ? slots.value.find((each) => each.name === publishes.slot) : undefined;
    const since = slot?.inactiveSince ?? null;
    const where = `connector ${name}`;
    const connector = connectors.value.find((each) => each.name === name);
    if (!connector) {
      const help = `npx walpost connectors apply ${name}`;
      return [{ where, what: 'it is not registered: events stay in the outbox', since, help }];
    }
    const bad = [...connector.tasks, connector].find(({ state }) => state !== 'RUNNING');
    if (bad) {
      const help = `npx walpost connectors ${bad.state === 'FAILED' ? 'restart' : 'resume'} ${name}`;
      const error = bad.error ? `: ${bad.error}` : '';
      const who = 'id' in bad ? 'its task' : 'it';
      return [{ where, what: `${who} is ${bad.state}, events stay in the outbox${error}`, since, help }];
    }
    if (!slot) return [];
    const at = { where: `slot ${slot.name}`, since, help: `npx walpost connectors status` };
    if (slot.walStatus === 'lost') return [{ ...at, what: 'it is lost: the server no longer keeps its log' }];
    if (!slot.active) return [{ ...at, what: 'nobody reads it: the server keeps its log' }];
    if ((slot.keptBytes ?? 0) > MUCH_LOG) {
      return [
        { ...at, what: `the server keeps ${Math.round((slot.keptBytes ?? 0) / 1e6)} MB of log for it` },
      ];
    }
    return [];
  });
}

function readers({ at, groups }: Sources): Concern[] {
  if (!('value' in groups)) return [];
  return groups.value.flatMap((group): Concern[] => {
    const { lag, oldest } = behind(group);
    const help = `npx walpost groups describe ${group.group}`;
    if (group.members === 0) {
      const what = lag > 0 ? `it does not run, and ${lag} records wait for it` : 'it does not run';
      return [{ where: group.group, what, since: oldest, help }];
    }
    if (oldest === null || at - oldest <= PATIENCE) return [];
    return [{ where: group.group, what: `it is ${lag} records behind`, since: oldest, help }];
  });
}

/** Lag of a group in records, over its partitions, and when the oldest unread one was written. */
export function behind({ partitions }: GroupProgress): { lag: number; oldest: number | null } {
  const times = partitions.flatMap(({ oldestUnread }) => oldestUnread ?? []);
  return {
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    oldest: times.length === 0 ? null : Math.min(...times),
  };
}

function letters({ name, shortName, letters: source }: ServiceView): Concern[] {
  if (!('value' in source) || source.value.dead + source.value.parked === 0) return [];
  const { dead, parked, letters: open } = source.value;
  const behindThem = parked > 0 ? `, and ${parked} parked behind` : '';
  const what = `${dead} ${dead === 1 ? 'dead letter waits' : 'dead letters wait'} for a person${behindThem}`;
  const since = open[0]?.createdAt ?? null;
  return [{ where: name, what, since, help: `npx walpost dead-letters list --service ${shortName}` }];
}

function pending({ at, orders }: Sources): Concern[] {
  if (!('value' in orders)) return [];
  const [oldest] = orders.value.pending;
  if (!oldest || at - oldest.at <= PATIENCE) return [];
  const what = `order ${oldest.id} has been pending for ${Math.round((at - oldest.at) / 1000)} s`;
  return [{ where: 'orders', what, since: oldest.at, help: `npx walpost trace ${oldest.id}` }];
}
