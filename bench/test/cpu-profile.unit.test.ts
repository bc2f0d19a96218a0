import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { root } from '@walpost/native/paths';
import { type CpuProfile, profileClock, sharesOf, startProfile } from '../cpu-profile.js';

const fileUrl = (path: string) => pathToFileURL(join(root, path)).href;

function node(
  id: number,
  functionName: string,
  url: string,
  children: number[],
): CpuProfile['nodes'][number] {
  return { id, callFrame: { functionName, scriptId: '0', url, lineNumber: 1, columnNumber: 1 }, children };
}

const profile: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 4, 5]),
    node(2, '(idle)', '', []),
    node(3, 'receive', fileUrl('services/kit/dist/receive.js'), [6]),
    node(4, '(garbage collector)', '', []),
    node(5, 'processTicks', 'node:internal/process', []),
    node(6, '', fileUrl('node_modules/@some/thing/index.js'), [7]),
    node(7, 'writev', '', []),
  ],
  startTime: 1_000,
  endTime: 2_000,
  // At 1,000 receive, 1,100 writev, 1,400 the collector, 1,500 idle, 1,900 Node itself, 1,950 the end.
  samples: [3, 7, 4, 2, 5, 2],
  timeDeltas: [0, 100, 300, 100, 400, 50],
};

test('samples are added up by function, and by the package they worked for', () => {
  const { busy, byFunction, byPackage } = sharesOf(profile, { from: 1_000, to: 2_000 });
  expect(busy).toBeCloseTo(0.55);
  expect(Object.fromEntries(byFunction)).toEqual({
    'receive (services/kit/receive.js)': 100 / 550,
    writev: 300 / 550,
    '(garbage collector)': 100 / 550,
    'processTicks (node:internal/process)': 50 / 550,
  });
  expect(Object.fromEntries(byPackage)).toEqual({
    'services/kit': 100 / 550,
    '@some/thing': 300 / 550,
    '(garbage collector)': 100 / 550,
    Node: 50 / 550,
  });
});

test('what is outside the stretch does not count', () => {
  const { busy, byPackage } = sharesOf(profile, { from: 1_100, to: 1_400 });
  expect(busy).toBe(1);
  expect([...byPackage.keys()]).toEqual(['@some/thing']);
});

test('a profile of this process is by the clock of the stretches', () => {
  const stop = startProfile();
  const from = profileClock();
  const before = process.cpuUsage();
  // Of its own time: on a machine that does much else, the samples of a stretch of the clock can be few.
  while (process.cpuUsage(before).user < 50_000);
  const { busy } = sharesOf(stop(), { from, to: profileClock() });
  expect(busy).toBeGreaterThan(0);
});
