import { expect, test } from '@jest/globals';
import { rewriteFrames } from 'walpost/testing/rewrite-frames';
import { readOptions } from '../options.ts';
import { kindNames, kinds, makePlan, poisons } from '../plan.ts';
import { shrink } from '../shrink.ts';

test('a schedule follows from its seed, has every kind before any twice, and keeps to its bounds', () => {
  const plan = makePlan(3, 40, 100_000, 6);
  expect(makePlan(3, 40, 100_000, 6)).toEqual(plan);
  expect(makePlan(4, 40, 100_000, 6)).not.toEqual(plan);
  expect(new Set(plan.slice(0, kindNames.length).map(({ kind }) => kind)).size).toBe(kindNames.length);
  for (const { kind, target, at, lasts } of plan) {
    expect(kinds[kind].targets as readonly string[]).toContain(target);
    expect(at).toBeLessThanOrEqual(100_000);
    // A database that stalls does so for 30 s, or it would show nothing.
    expect(lasts).toBeLessThanOrEqual(kind === 'postgres-stall' ? 30_000 : 6_000);
  }
});

test('a long schedule hits every target', () => {
  const hit = new Set(makePlan(1, 400, 1, 1).map(({ kind, target }) => `${kind} ${target}`));
  for (const poison of poisons) expect(hit).toContain(`poison ${poison}`);
  for (const kind of ['kill', 'term', 'pause'] as const)
    for (const target of kinds[kind].targets) expect(hit).toContain(`${kind} ${target}`);
});

test('the quick profile has every kind of fault', () => {
  const { plan } = readOptions(['--quick']);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(kindNames));
});

test('a schedule of some kinds has no other, and each of their targets once before any twice', () => {
  const { plan } = readOptions(['--kinds', 'kill,slot-drop', '--faults', '16']);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(['kill', 'slot-drop']));
  const killed = plan.filter(({ kind }) => kind === 'kill').map(({ target }) => target);
  expect(killed.toSorted()).toEqual(kinds.kill.targets.toSorted());
});

test.each([
  [['--seed', 'x'], /--seed x: give a number/],
  [['--rate', '0'], /--rate 0/],
  [['--only', '99'], /no fault 99/],
  [['--kinds', 'kill,flood'], /no flood, only kill, term/],
  [['--unknown'], /unknown/],
])('%j is refused with how it is called', (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
  expect(() => readOptions(args)).toThrow(/npm run faults/);
});

test('shrinking finds the two faults that fail together', async () => {
  const asked: number[] = [];
  const fails = async (numbers: readonly number[]) => {
    asked.push(numbers.length);
    return numbers.includes(3) && numbers.includes(11);
  };
  expect(
    await shrink(
      Array.from({ length: 16 }, (_, at) => at),
      fails,
    ),
  ).toEqual([3, 11]);
  expect(asked.length).toBeLessThan(60);
});

test('a broker that names itself is renamed, in frames that arrive in pieces, and nothing else is touched', () => {
  const frame = Buffer.concat([
    Buffer.alloc(4),
    Buffer.from('\0\tlocalhost'),
    Buffer.from([0, 0, 0x4e, 0x20, 9]),
  ]);
  frame.writeInt32BE(frame.length - 4);
  const other = Buffer.concat([
    Buffer.from([0, 0, 0, 13]),
    Buffer.from('localhost'),
    Buffer.from([0, 0, 0, 1]),
  ]);
  const rewrite = rewriteFrames('localhost', 20_000, 30_000);
  const sent = Buffer.concat([frame, other]);
  const parts = [sent.subarray(0, 3), sent.subarray(3, 12), sent.subarray(12, 20), sent.subarray(20)];
  const got = Buffer.concat(parts.map(rewrite));
  expect(got.length).toBe(sent.length);
  expect(got.readInt32BE(15)).toBe(30_000);
  expect(got.subarray(frame.length)).toEqual(other);
  expect(got[19]).toBe(9);
});
