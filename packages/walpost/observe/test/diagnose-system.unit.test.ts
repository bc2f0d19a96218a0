import { expect, test } from '@jest/globals';
import type { GroupProgress } from '../describe-group.ts';
import { diagnoseSystem } from '../diagnose-system.ts';
import type { ServiceState, SystemView } from '../system-view.ts';

const NOW = 1_000_000;
const running = { state: 'RUNNING', worker: 'w', error: null };
const connector = { name: 'order-outbox', ...running, tasks: [{ id: 0, ...running }] };
const slot = {
  name: 'order_outbox',
  active: true,
  walStatus: 'reserved',
  confirmedLsn: '0/1',
  lagBytes: 0,
  retainedWalBytes: 0,
  safeBytes: null,
  inactiveSince: null,
};
const outbox = {
  partitions: 15,
  firstDay: '1970-01-01',
  lastDay: '1970-01-15',
  rows: 3,
  strayRows: 0,
  bytes: 1,
  oldestUnconfirmed: null,
};
const counted = { outbox: 0, inbox: 0, effects: 0, backlog: null, refused: null };
const service: ServiceState = {
  name: 'order-service',
  shortName: 'order',
  publishes: { topic: 'order-events', connector: 'order-outbox', slot: 'order_outbox' },
  outbox: { value: outbox },
  counters: { value: counted },
  deadLetters: { value: { deadLetters: [], dead: 0, parked: 0 } },
};
const partition = {
  topic: 'payment-events',
  partition: 0,
  committed: '1',
  end: '4',
  problem: null,
  lag: 3,
  expired: 0,
  oldestUnread: NOW - 20_000,
  openTransaction: null,
  memberId: 'm',
  host: 'h',
};
const group: GroupProgress = {
  group: 'order-service',
  type: 'classic',
  state: 'Stable',
  members: 1,
  partitions: [],
};
const open = {
  topic: 'payment-events',
  partition: 0,
  from: '2',
  producerId: '17',
  producerEpoch: 3,
  lastWrite: NOW - 20_000,
  transactionalId: 'billing',
  hanging: false,
  since: NOW - 30_000,
};

const fine: SystemView = {
  at: NOW,
  services: [service],
  slots: { value: [slot] },
  connectors: { value: [connector] },
  topics: { value: [] },
  groups: { value: [group] },
  heads: { value: { effect: 'orders', latest: [], pending: [] } },
};

test('nothing is said of a system where everything flows', () => {
  expect(diagnoseSystem(fine)).toEqual([]);
  expect(diagnoseSystem({ ...fine, heads: null })).toEqual([]);
});

test.each<[string, Partial<SystemView>, string, RegExp]>([
  [
    'source away',
    { groups: { error: 'groups, by Kafka: ECONNREFUSED' } },
    'groups, by Kafka',
    /^ECONNREFUSED$/,
  ],
  ['connector missing', { connectors: { value: [] } }, 'connector order-outbox', /not registered/],
  [
    'task failed',
    {
      connectors: {
        value: [{ ...connector, tasks: [{ id: 0, ...running, state: 'FAILED', error: 'boom' }] }],
      },
    },
    'connector order-outbox',
    /^events stay in the outbox: its task is FAILED, boom$/,
  ],
  [
    'slot unread',
    { slots: { value: [{ ...slot, active: false, inactiveSince: NOW - 5 }] } },
    'slot order_outbox',
    /nobody reads it/,
  ],
  ['slot lost', { slots: { value: [{ ...slot, walStatus: 'lost' }] } }, 'slot order_outbox', /lost/],
  [
    'much WAL retained',
    { slots: { value: [{ ...slot, retainedWalBytes: 2e9 }] } },
    'slot order_outbox',
    /retains 2000 MB/,
  ],
  [
    'no task',
    { connectors: { value: [{ ...connector, tasks: [] }] } },
    'connector order-outbox',
    /^events stay in the outbox: it has no task$/,
  ],
  [
    'group without members',
    { groups: { value: [{ ...group, members: 0, partitions: [partition] }] } },
    'order-service',
    /^it is not running, its group has no member, and 3 records wait for it$/,
  ],
  [
    'group late',
    { groups: { value: [{ ...group, partitions: [partition] }] } },
    'order-service',
    /^it is 3 records behind$/,
  ],
  [
    'a partition without a leader',
    {
      groups: {
        value: [
          {
            ...group,
            partitions: [
              {
                ...partition,
                end: null,
                lag: null,
                oldestUnread: null,
                problem: 'payment-events/0 has no leader',
              },
            ],
          },
        ],
      },
    },
    'order-service',
    /^payment-events\/0 has no leader: what is written there waits, and how much is not known$/,
  ],
  [
    'an open transaction that hides what is unread',
    {
      groups: {
        value: [{ ...group, partitions: [{ ...partition, oldestUnread: null, openTransaction: open }] }],
      },
    },
    'order-service',
    /^payment-events\/0 cannot be read from offset 2 on: the transaction billing of producer 17 \(epoch 3\) is open$/,
  ],
  [
    'a transaction that nobody will end',
    {
      groups: {
        value: [
          {
            ...group,
            partitions: [{ ...partition, openTransaction: { ...open, hanging: true, since: null } }],
          },
        ],
      },
    },
    'order-service',
    /the transaction billing of producer 17 \(epoch 3\) is open, and its coordinator does not know of it: nobody ends it$/,
  ],
  [
    'dead letters',
    { services: [{ ...service, deadLetters: { value: { deadLetters: [], dead: 1, parked: 2 } } }] },
    'order-service',
    /1 dead letter waits for a person, and 2 parked/,
  ],
  [
    'work refused for good',
    {
      services: [
        {
          ...service,
          counters: {
            value: { ...counted, refused: { count: 2, label: 'e-mails', retry: 'npx walpost x' } },
          },
        },
      ],
    },
    'order-service',
    /^e-mails that were refused for good: 2; /,
  ],
  [
    'events that no slot confirms',
    { services: [{ ...service, outbox: { value: { ...outbox, oldestUnconfirmed: NOW - 31_000 } } }] },
    'outbox of order-service',
    /oldest event has not been confirmed/,
  ],
  [
    'no partition for today',
    { at: NOW + 15 * 86_400_000, services: [{ ...service, outbox: { value: outbox } }] },
    'outbox of order-service',
    /today has no partition/,
  ],
  [
    'rows without their day',
    { services: [{ ...service, outbox: { value: { ...outbox, strayRows: 2 } } }] },
    'outbox of order-service',
    /2 rows are in the default partition/,
  ],
  [
    'a key pending',
    {
      heads: {
        value: {
          effect: 'parcels',
          latest: [],
          pending: [{ key: 'o 1', status: 'PENDING', at: NOW - 30_000 }],
        },
      },
    },
    'parcels',
    /^o 1 has been pending for 30 s/,
  ],
])('%s', (_name, changes, where, what) => {
  const issues = diagnoseSystem({ ...fine, ...changes });
  expect(issues).toHaveLength(1);
  expect(issues[0]?.where).toBe(where);
  expect(issues[0]?.what).toMatch(what);
});

test('a transaction that has been open for a moment is how the relay works', () => {
  const openTransaction = { ...open, since: NOW - 100 };
  const partitions = [{ ...partition, oldestUnread: null, openTransaction }];
  expect(diagnoseSystem({ ...fine, groups: { value: [{ ...group, partitions }] } })).toEqual([]);
});

test('sources that are away for one reason are one issue, with what starts them', () => {
  const away = { error: 'slots: connect ECONNREFUSED' };
  const counters = { error: 'database orders: connect ECONNREFUSED' };
  const services = [{ ...service, counters, deadLetters: { error: 'not shown: the same' } }];
  const [issue, ...others] = diagnoseSystem({ ...fine, services, slots: away });
  expect(others).toEqual([]);
  expect(issue).toMatchObject({ where: 'database orders, slots', what: 'connect ECONNREFUSED' });
  expect(issue?.help).toContain('npx walpost doctor');
});
