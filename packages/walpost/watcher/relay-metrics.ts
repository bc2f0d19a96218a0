import { gauge, onScrape, registry, secondsSince } from '@walpost/kit/telemetry/metrics';
import { Counter } from 'prom-client';
import type { GroupProgress } from '../observe/describe-group.ts';
import { openSince } from '../observe/open-transactions.ts';
import type { ConnectorView } from '../observe/read-connectors.ts';

const connectors = gauge(
  'walpost_connector_state',
  '1 for the state that Kafka Connect gives a connector: RUNNING, FAILED, PAUSED …, or MISSING when it is not registered.',
  'connector',
  'state',
);
const tasks = gauge(
  'walpost_connector_task_state',
  '1 for the state that Kafka Connect gives a task of a connector.',
  'connector',
  'task',
  'state',
);
const restarts = new Counter({
  name: 'walpost_connector_restarts_total',
  help: 'Restarts of what had failed of a connector, by this watcher.',
  labelNames: ['connector'],
  registers: [registry],
});
const members = gauge('walpost_group_members', 'Members of a consumer group.', 'group');
const lag = gauge(
  'walpost_group_lag_messages',
  'Offsets of a partition that a group has not committed; 0 when only transaction markers are left.',
  'group',
  'topic',
  'partition',
);
const lagSeconds = gauge(
  'walpost_group_lag_seconds',
  'Age of the oldest record of a partition that a group has not committed; 0 when there is none.',
  'group',
  'topic',
  'partition',
);
const expired = gauge(
  'walpost_group_expired_messages',
  'Records that retention removed before a group had read them.',
  'group',
  'topic',
  'partition',
);

/** Counts a restart of a connector. */
export function countRestart(connector: string): void {
  restarts.inc({ connector });
}

/**
 * Asks Kafka Connect for the states of connectors when somebody scrapes.
 *
 * @param expected the connectors that there should be
 * @returns stops it
 */
export function exposeConnectors(
  expected: readonly string[],
  read: () => Promise<readonly ConnectorView[]>,
): () => void {
  for (const connector of expected) restarts.inc({ connector }, 0);
  return onScrape('Kafka Connect', read, (found) => {
    connectors.reset();
    tasks.reset();
    if (!found) return;
    for (const connector of expected) {
      const view = found.find(({ name }) => name === connector);
      connectors.set({ connector, state: view?.state ?? 'MISSING' }, 1);
      for (const { id, state } of view?.tasks ?? []) tasks.set({ connector, task: id, state }, 1);
    }
  });
}

/** Asks Kafka for the lag of groups when somebody scrapes: groups that are not running are reported too. @returns stops it */
export function exposeGroups(read: () => Promise<readonly GroupProgress[]>): () => void {
  const complete = async () => {
    const groups = await read();
    // What nobody knows is no lag of 0, and somebody has to hear of it: Kafka does not answer.
    const [problem] = groups.flatMap(({ partitions }) => partitions.flatMap((each) => each.problem ?? []));
    if (problem !== undefined) throw new Error(problem);
    return groups;
  };
  return onScrape('Kafka', complete, (found) => {
    for (const each of [members, lag, lagSeconds, expired]) each.reset();
    for (const { group, members: count, partitions } of found ?? []) {
      if (count !== null) members.set({ group }, count);
      for (const { topic, partition, lag: messages, expired: lost, ...rest } of partitions) {
        if (messages === null) continue;
        // Behind an open transaction nothing can be read: that counts from its beginning on.
        const { oldestUnread: unread, openTransaction: open } = rest;
        const oldestUnread = unread ?? (open && openSince(open));
        const labels = { group, topic, partition };
        lag.set(labels, messages);
        expired.set(labels, lost);
        // Unread, and not seen in time: no number would be true.
        if (messages === 0 || oldestUnread !== null) lagSeconds.set(labels, secondsSince(oldestUnread));
      }
    }
  });
}
