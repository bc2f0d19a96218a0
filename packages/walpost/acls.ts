import type { System } from '@walpost/kit/config';
import { PROBE_PREFIX } from './observe/topic-reader.ts';

/** The group of the Kafka Connect workers; their own topics and transactions have names that begin with it. */
export const CONNECT_GROUP = 'walpost-connect';

/** What one of Kafka's users may do with a resource; whatever is in no rule is refused. */
export interface Rule {
  readonly resource: 'topic' | 'group' | 'transactionalId' | 'cluster';
  /** `*` is every one. A cluster has no name. */
  readonly name: string;
  /** Whether `name` is a whole one, or what names begin with. */
  readonly pattern: 'literal' | 'prefix';
  readonly operations: readonly ('Read' | 'Write' | 'Describe' | 'Delete' | 'All')[];
}

/** Kafka's users by their names, and what each may do: a user for each program, with what it needs and nothing more. */
export type Acls = Readonly<Record<string, readonly Rule[]>>;

/** The users of a system, where Kafka asks who one is. */
export function aclsOf({ services }: System): Acls {
  const published = unique(services.flatMap(({ publishes }) => publishes?.topic ?? []));
  const topics = unique([...published, ...services.flatMap(({ consumes }) => consumes)]);
  return {
    // A consumer reads its topics as a member of its group. What it publishes is written by the relay.
    ...Object.fromEntries(
      services.map(({ group, consumes }) => [
        group,
        consumes.length === 0
          ? []
          : [...each('topic', consumes, 'Read', 'Describe'), ...each('group', [group], 'Read', 'Describe')],
      ]),
    ),
    // The relay writes events and heartbeats, in transactions, and keeps its own state.
    connect: [
      ...each('topic', published, 'Write', 'Describe'),
      prefix('topic', '__debezium-heartbeat.', 'Write', 'Describe'),
      prefix('topic', `${CONNECT_GROUP}-`, 'All'),
      prefix('group', CONNECT_GROUP, 'All'),
      prefix('transactionalId', CONNECT_GROUP, 'All'),
      prefix('transactionalId', `connect-cluster-${CONNECT_GROUP}`, 'All'),
    ],
    // The console looks at every group and topic, and reads topics as a group of its own that it deletes again.
    console: [
      ...each('group', ['*'], 'Describe'),
      ...each('transactionalId', ['*'], 'Describe'),
      ...each('topic', topics, 'Read', 'Describe'),
      prefix('group', PROBE_PREFIX, 'Read', 'Delete'),
    ],
    // Whoever runs walpost makes topics, looks at groups and moves them.
    operator: [
      ...each('topic', ['*'], 'All'),
      ...each('group', ['*'], 'All'),
      ...each('cluster', [''], 'All'),
      ...each('transactionalId', ['*'], 'Describe'),
    ],
  };
}

function each(
  resource: Rule['resource'],
  names: readonly string[],
  ...operations: Rule['operations']
): Rule[] {
  return names.map((name) => ({ resource, name, pattern: 'literal', operations }));
}

function prefix(resource: Rule['resource'], name: string, ...operations: Rule['operations']): Rule {
  return { resource, name, pattern: 'prefix', operations };
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
