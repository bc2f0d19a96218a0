import { expect, test } from '@jest/globals';
import type { ServiceView, Snapshot } from '../snapshot.ts';
import { flowModel } from '../web/flow-model.ts';

/** @param more which topics it reads, and which it writes */
function service(name: string, more: { reads?: string[]; writes?: string; intake?: true } = {}): ServiceView {
  const { reads = [], writes, intake = false } = more;
  return {
    name,
    shortName: name,
    publishes: writes ? { topic: writes, connector: `${name}-outbox`, slot: `${name}_outbox` } : null,
    consumes: reads,
    intake,
    effect: `${name}s`,
    backlog: null,
    outbox: null,
    counters: { value: { outbox: 0, inbox: 0, effects: 0, backlog: null, refused: null } },
    deadLetters: { value: { deadLetters: [], dead: 0, parked: 0 } },
    rates: { outbox: 2, inbox: 1, effects: 1 },
  };
}

const snapshot = (services: ServiceView[]): Snapshot => ({
  at: 0,
  services,
  slots: { value: [] },
  connectors: { value: [] },
  topics: { value: [] },
  groups: { value: [] },
  heads: null,
  issues: [],
  load: null,
  changeable: false,
  traceUrl: null,
  scenario: null,
});

const booking = { writes: 'shipment-events', intake: true } as const;

test.each<[string, ServiceView[], string[]]>([
  [
    'one that only writes, and one that only reads',
    [service('shipment', booking), service('tracking', { reads: ['shipment-events'] })],
    [
      'intake > outbox shipment',
      'outbox shipment > connector shipment',
      'connector shipment > topic shipment-events',
      'topic shipment-events > group tracking',
      'group tracking > effect tracking',
    ],
  ],
  [
    'one that answers the first',
    [
      service('shipment', { ...booking, reads: ['depot-events'] }),
      service('depot', { reads: ['shipment-events'], writes: 'depot-events' }),
    ],
    [
      'intake > outbox shipment',
      'outbox shipment > connector shipment',
      'connector shipment > topic shipment-events',
      'topic shipment-events > group depot',
      'group depot > effect depot',
      'outbox depot > connector depot',
      'connector depot > topic depot-events',
      'topic depot-events > group shipment',
      'group shipment > effect shipment',
    ],
  ],
  [
    'one alone',
    [service('shipment', booking)],
    [
      'intake > outbox shipment',
      'outbox shipment > connector shipment',
      'connector shipment > topic shipment-events',
    ],
  ],
  ['none', [], []],
])(
  'the picture of %s has its boxes apart, and an arrow between what is there only',
  (_name, services, expected) => {
    const { nodes, edges } = flowModel(snapshot(services));
    expect(edges.map(({ from, to }) => `${from} > ${to}`).sort()).toEqual(expected.sort());
    const ids = nodes.map(({ id }) => id);
    expect(edges.flatMap(({ from, to }) => [from, to]).filter((end) => !ids.includes(end))).toEqual([]);
    for (const one of nodes) {
      expect(one.row).toBeGreaterThanOrEqual(0);
      const near = nodes.filter((each) => each.column === one.column && Math.abs(each.row - one.row) < 1);
      expect(near).toEqual([one]);
    }
  },
);

test('a service that does not say what its work comes to is shown by the events that it writes and handles', () => {
  const counters = { value: { outbox: 5, inbox: 5, effects: 0, backlog: null, refused: null } };
  const silent = [service('shipment', booking), service('tracking', { reads: ['shipment-events'] })];
  const { nodes, edges } = flowModel(snapshot(silent.map((each) => ({ ...each, counters }))));
  expect(nodes.find(({ id }) => id === 'intake')?.lines).toEqual(['2.0 events/s']);
  expect(edges.find(({ from }) => from === 'intake')?.perSecond).toBe(2);
  expect(flowModel(snapshot(silent)).nodes.find(({ id }) => id === 'intake')?.lines).toEqual([
    '1.0 shipments/s',
  ]);
});
