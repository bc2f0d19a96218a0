import { expect, test } from '@jest/globals';
import type { DeadLetterView } from '../../observe/read-dead-letters.ts';
import type { Delivery, Timeline, TimelineEvent } from '../../observe/timeline.ts';
import { diagnoseTimeline } from '../diagnose-timeline.ts';
import { stepsOf } from '../timeline-steps.ts';

const T = Date.UTC(2026, 10, 23, 12);
const NOW = T + 60_000;

const delivery = (more: Partial<Delivery> = {}): Delivery => ({
  group: 'payment-service',
  shortName: 'payment',
  handledAt: T + 30,
  deadLetter: null,
  passed: false,
  known: true,
  ...more,
});

const event = (more: Partial<TimelineEvent> = {}): TimelineEvent => ({
  id: 'e1',
  type: 'OrderCreated',
  service: 'order-service',
  topic: 'order-events',
  connector: 'order-outbox',
  slot: 'order_outbox',
  version: 1,
  writtenAt: T,
  traceId: 'abc',
  record: { partition: 3, offset: '42', at: T + 20 },
  deliveries: [delivery()],
  ...more,
});

const running = { state: 'RUNNING', worker: 'w', error: null };
const slot = {
  name: 'order_outbox',
  active: true,
  walStatus: 'reserved',
  confirmedLsn: '0/1A',
  lagBytes: 0,
  retainedWalBytes: 0,
  safeBytes: null,
  inactiveSince: null,
};

const timeline = (more: Partial<Timeline> = {}): Timeline => ({
  key: 'o',
  events: [event()],
  effects: [],
  misrouted: [],
  slots: [slot],
  connectors: [{ name: 'order-outbox', ...running, tasks: [{ id: 0, ...running }] }],
  groups: [],
  openTransactions: [],
  kafka: true,
  problems: [],
  ...more,
});

const deadLetter = (more: Partial<DeadLetterView> = {}): DeadLetterView => ({
  id: 7,
  identity: 'e1',
  state: 'dead',
  topic: 'order-events',
  partition: 3,
  offset: '42',
  key: 'o',
  errorCode: '23514',
  errorMessage: 'no',
  attempts: 1,
  createdAt: T + 40,
  replayRequestedAt: null,
  settledAt: null,
  discardReason: null,
  ...more,
});

const unrelayed = event({ record: null, deliveries: [delivery({ handledAt: null })] });
const unread = event({ deliveries: [delivery({ handledAt: null })] });
const failedTask = {
  name: 'order-outbox',
  ...running,
  tasks: [{ id: 0, ...running, state: 'FAILED', error: 'boom' }],
};
const paused = { name: 'order-outbox', ...running, state: 'PAUSED', tasks: [] };

test('nobody knows it, it is finished, it is on its way', () => {
  expect(diagnoseTimeline(timeline({ events: [] }), NOW).state).toBe('unknown');
  const misrouted = [{ group: 'payment-service', shortName: 'payment', deadLetter: deadLetter() }];
  expect(diagnoseTimeline(timeline({ events: [], misrouted }), NOW).state).toBe('stuck');
  expect(diagnoseTimeline(timeline(), NOW)).toEqual({ state: 'finished', findings: [] });
  expect(diagnoseTimeline(timeline({ events: [unread] }), T + 1_000).state).toBe('moving');
  const rows = [{ what: 'order PENDING', at: T, state: 'waiting' as const, note: null }];
  expect(diagnoseTimeline(timeline({ effects: [{ service: 'order-service', rows }] }), NOW).state).toBe(
    'moving',
  );
});

// One row for each cause: what else is known, what is said, what helps.
test.each<[string, Partial<Timeline>, RegExp, string]>([
  [
    'a task has failed',
    { events: [unrelayed], connectors: [failedTask] },
    /its task is FAILED, boom/,
    'connectors restart order-outbox',
  ],
  [
    'a connector is paused',
    { events: [unrelayed], connectors: [paused] },
    /it is PAUSED/,
    'connectors resume order-outbox',
  ],
  [
    'no connector',
    { events: [unrelayed], connectors: [] },
    /not registered/,
    'connectors apply order-outbox',
  ],
  [
    'Connect is away',
    { events: [unrelayed], connectors: null },
    /Connect does not answer/,
    'connectors status',
  ],
  ['no slot', { events: [unrelayed], slots: [] }, /it is not there/, 'connectors restart order-outbox'],
  [
    'a lost slot',
    { events: [unrelayed], slots: [{ ...slot, walStatus: 'lost' }] },
    /is lost/,
    'outbox recreate-slot order-outbox --yes',
  ],
  [
    'a slot nobody reads',
    { events: [unrelayed], slots: [{ ...slot, active: false }] },
    /nobody reads it/,
    'connectors status',
  ],
  ['a slow relay', { events: [unrelayed] }, /not in order-events yet/, 'connectors status'],
  [
    'a service that is not running',
    { events: [unread], groups: [{ group: 'payment-service', members: 0, lag: 3 }] },
    /has no member/,
    'groups describe payment-service',
  ],
  [
    'a service that is behind',
    { events: [unread], groups: [{ group: 'payment-service', members: 1, lag: 3 }] },
    /3 records behind/,
    'groups describe payment-service',
  ],
  [
    'a dead letter',
    { events: [event({ deliveries: [delivery({ deadLetter: deadLetter() })] })] },
    /dead letter 7: 23514: no/,
    'dead-letters show 7 --service payment',
  ],
  [
    'a parked dead letter',
    { events: [event({ deliveries: [delivery({ deadLetter: deadLetter({ state: 'parked' }) })] })] },
    /parked behind/,
    'dead-letters list --key o',
  ],
  [
    'a dead letter of a foreign record',
    { misrouted: [{ group: 'payment-service', shortName: 'payment', deadLetter: deadLetter() }] },
    /a record of no outbox/,
    'dead-letters show 7 --service payment',
  ],
])('stuck by %s', (_cause, known, what, help) => {
  const { state, findings } = diagnoseTimeline(timeline(known), NOW);
  expect(state).toBe('stuck');
  expect(findings[0]?.what).toMatch(what);
  expect(findings[0]?.help.join('\n')).toContain(`npx walpost ${help}`);
  expect(findings[0]?.since).toBeLessThan(NOW);
});

test('a service that fails outside says so, with its last error', () => {
  const rows = [
    { what: 'payment AUTHORIZING', at: T, state: 'waiting' as const, note: 'attempt 4, gateway away' },
  ];
  const { state, findings } = diagnoseTimeline(
    timeline({ effects: [{ service: 'payment-service', rows }] }),
    NOW,
  );
  expect(state).toBe('stuck');
  expect(findings).toMatchObject([
    { where: 'payment-service', what: 'payment AUTHORIZING: attempt 4, gateway away' },
  ]);
});

test('what was refused for good outside keeps the key, since when, and says how it is tried again', () => {
  const help = 'npx walpost retry notification o --yes';
  const rows = [
    { what: 'e-mail order-received REFUSED', at: T + 9, state: 'failed' as const, note: '550 no', help },
  ];
  const refused = timeline({ effects: [{ service: 'notification-service', rows }] });
  expect(diagnoseTimeline(refused, T + 10)).toEqual({
    state: 'stuck',
    findings: [
      {
        where: 'notification-service',
        what: 'e-mail order-received REFUSED: 550 no',
        since: T + 9,
        help: [help],
        blocked: true,
      },
    ],
  });
  expect(stepsOf(refused)).toContainEqual({
    at: T + 9,
    where: 'notification-service',
    what: 'e-mail order-received REFUSED: 550 no',
    state: 'failed',
    traceId: null,
  });
});

test('what cannot be asked is not taken for missing', () => {
  const unknown = { ...unrelayed, deliveries: [delivery({ handledAt: null, known: false })] };
  expect(diagnoseTimeline(timeline({ events: [unknown], kafka: false }), NOW).findings).toEqual([]);
  expect(stepsOf(timeline({ events: [unknown], kafka: false })).map(({ what }) => what)).toEqual([
    'OrderCreated v1 written into the outbox',
    'not known to be read from the log, which is confirmed up to 0/1A by now',
    'OrderCreated: Kafka does not answer',
    'OrderCreated: its database does not say',
  ]);
});

test('an event that somebody handled was in the topic, though retention has removed it', () => {
  const old = timeline({ events: [event({ record: null })] });
  expect(diagnoseTimeline(old, NOW).state).toBe('finished');
  expect(stepsOf(old).map(({ state, what }) => `${state} ${what}`)).toContain(
    'done OrderCreated was in the topic, and is gone by retention',
  );
});

test('steps are in the order of their times, and those of one event in theirs', () => {
  const rows = [
    { what: 'order row written', at: T, state: 'done' as const, note: null },
    { what: 'order CONFIRMED', at: T + 100, state: 'done' as const, note: null },
  ];
  const steps = stepsOf(timeline({ effects: [{ service: 'order-service', rows }] }));
  expect(steps.map(({ where, at }) => `${where} ${at === null ? '' : at - T}`)).toEqual([
    'order-service 0',
    'order-service 0',
    'slot order_outbox ',
    'order-events/3@42 20',
    'payment-service 30',
    'order-service 100',
  ]);
});

const open = {
  topic: 'order-events',
  partition: 3,
  from: '42',
  producerId: '17',
  producerEpoch: 3,
  lastWrite: T + 60,
  transactionalId: 'billing',
  hanging: false,
  since: T + 50,
};
const unseen = (more: Partial<Timeline>) =>
  timeline({ events: [event({ record: null, deliveries: [delivery({ handledAt: null })] })], ...more });

test.each([
  [
    'of a producer that is known',
    open,
    /whether it is in order-events cannot be seen: order-events\/3 cannot be read from offset 42 on: the transaction billing of producer 17 \(epoch 3\) is open/,
    false,
    'kafka-transactions --bootstrap-server … describe --transactional-id billing',
  ],
  [
    'that hangs',
    { ...open, transactionalId: null, hanging: true, since: null },
    /a transaction of producer 17 \(epoch 3\) is open, and its coordinator does not know of it: nobody ends it$/,
    true,
    'kafka-transactions --bootstrap-server … abort --topic order-events --partition 3 --start-offset 42',
  ],
])(
  'an event behind an open transaction %s is not blamed on the relay',
  (_name, transaction, what, blocked, help) => {
    const { state, findings } = diagnoseTimeline(unseen({ openTransactions: [transaction] }), T + 60_000);
    expect(state).toBe('stuck');
    expect(findings).toEqual([
      expect.objectContaining({
        where: 'topic order-events',
        what: expect.stringMatching(what),
        blocked,
        help: [help],
      }),
    ]);
  },
);

test('a transaction that has been open for a moment is how the relay works, and one in another topic is nothing', () => {
  for (const each of [open, { ...open, topic: 'payment-events', since: 0 }]) {
    const { findings } = diagnoseTimeline(unseen({ openTransactions: [each] }), T + 5_000);
    expect(findings).toEqual([expect.objectContaining({ where: 'connector order-outbox' })]);
  }
});
