import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { groupByType } from '../group-by-type.ts';

const event = (type: string, key: string) => ({ type, key });

test('events of different keys share a group per type', () => {
  const events = [
    event('Created', 'a'),
    event('Cancelled', 'a'),
    event('Created', 'b'),
    event('Cancelled', 'b'),
  ];
  expect(groupByType(events).map((group) => group.map(({ type, key }) => type + key))).toEqual([
    ['Createda', 'Createdb'],
    ['Cancelleda', 'Cancelledb'],
  ]);
});

const anyEvent = fc.record({ type: fc.constantFrom('A', 'B', 'C'), key: fc.constantFrom('x', 'y', 'z') });

test('groups hold one type each, all events, and the order of every key', () => {
  fc.assert(
    fc.property(fc.array(anyEvent), (raw) => {
      const events = raw.map((each, at) => ({ ...each, at }));
      const groups = groupByType(events);
      for (const group of groups) expect(new Set(group.map(({ type }) => type)).size).toBe(1);
      const flat = groups.flat();
      expect(flat.map(({ at }) => at).sort((a, b) => a - b)).toEqual(events.map(({ at }) => at));
      for (const key of ['x', 'y', 'z']) {
        const order = flat.filter((each) => each.key === key).map(({ at }) => at);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
    }),
  );
});

test('there are never more groups than runs of one type', () => {
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      const runs = events.filter(({ type }, at) => type !== events[at - 1]?.type);
      expect(groupByType(events).length).toBeLessThanOrEqual(runs.length);
    }),
  );
});

test('when no key comes twice, there is one group for each type', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('A', 'B', 'C')), (types) => {
      const events = types.map((type, at) => event(type, String(at)));
      expect(groupByType(events)).toHaveLength(new Set(types).size);
    }),
  );
});
