import { expect, test } from '@jest/globals';
import { type AuditedTopic, findDifferences } from '../find-differences.ts';

const row = (id: string, key: string, version: number, at = 100) => ({ id, key, version, type: 't', at });
const record = (id: string, key: string, version: number, where = '0@1') => ({
  id,
  key,
  version,
  at: 100,
  where,
});

function topic(change: Partial<AuditedTopic> = {}): AuditedTopic {
  return {
    publisher: 'order',
    topic: 'order-events',
    rows: [row('a1', 'a', 1), row('a2', 'a', 2)],
    records: [record('a1', 'a', 1), record('a2', 'a', 2)],
    consumers: [
      {
        service: 'payment',
        seen: [
          { id: 'a1', key: 'a', version: 1 },
          { id: 'a2', key: 'a', version: 2 },
        ],
      },
    ],
    keptSince: 0,
    unreadable: () => undefined,
    ...change,
  };
}

const differences = (change: Partial<AuditedTopic>) =>
  findDifferences(topic(change), 50, 150).map(({ what, id, where }) => [what, id, where]);

test('three that agree have no differences', () => {
  expect(differences({})).toEqual([]);
});

test('each kind of difference is named, and what is outside of the range is not', () => {
  expect(differences({ records: [record('a1', 'a', 1)] })).toEqual([['not on the topic', 'a2', '-']]);
  expect(differences({ records: [...topic().records, record('a1', 'a', 1, '0@9')] })).toEqual([
    ['twice on the topic', 'a1', '0@1 0@9'],
  ]);
  expect(differences({ records: [...topic().records, record('x', 'b', 1)] })).toEqual([
    ['not in the outbox', 'x', '0@1'],
  ]);
  expect(differences({ records: topic().records.toReversed() })).toEqual([
    ['out of order', 'a1', '0@1, after version 2'],
  ]);
  expect(differences({ consumers: [{ service: 'payment', seen: [] }] })).toEqual([
    ['not seen', 'a1', 'payment'],
    ['not seen', 'a2', 'payment'],
  ]);
  expect(differences({ rows: [...topic().rows, row('old', 'c', 1, 40), row('new', 'd', 1, 160)] })).toEqual(
    [],
  );
});

test('what retention has removed is missed only when somebody has not seen it', () => {
  const gone = { records: [record('a2', 'a', 2)], rows: [row('a1', 'a', 1, 60), row('a2', 'a', 2)] };
  expect(differences({ ...gone, keptSince: 60 })).toEqual([['not on the topic', 'a1', '-']]);
  expect(differences({ ...gone, keptSince: 61 })).toEqual([]);
  const seen = [{ id: 'a2', key: 'a', version: 2 }];
  expect(differences({ ...gone, keptSince: 61, consumers: [{ service: 'payment', seen }] })).toEqual([
    ['not on the topic', 'a1', '-'],
    ['not seen', 'a1', 'payment'],
  ]);
});

test('what may be behind an open transaction is not said to be missing, and what can be seen is compared as ever', () => {
  const unreadable = (key: string) => (key === 'a' ? 'order-events/0 cannot be read' : undefined);
  const rows = [...topic().rows, row('b1', 'b', 1)];
  const records = [record('a1', 'a', 1)];
  const consumers = [{ service: 'payment', seen: [{ id: 'a1', key: 'a', version: 1 }] }];
  expect(differences({ rows, records, consumers, unreadable })).toEqual([
    ['cannot be read yet', 'a2', 'order-events/0 cannot be read'],
    ['not on the topic', 'b1', '-'],
    ['not seen', 'b1', 'payment'],
  ]);
});

test('an event that a consumer has been sent a later one of is superseded there', () => {
  const seen = [{ id: 'a2', key: 'a', version: 2 }];
  const found = findDifferences(topic({ consumers: [{ service: 'payment', seen }] }), 50, 150);
  expect(found).toMatchObject([{ what: 'not seen', id: 'a1', supersededAt: ['payment'] }]);
});
