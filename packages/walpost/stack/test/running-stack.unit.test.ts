import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import type { ProcessPart } from '../component.ts';
import { type Lock, takeLock } from '../lock.ts';
import { RunningStack } from '../running-stack.ts';

let folder: string;
let lock: Lock;
let stack: RunningStack;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-running-'));
  lock = await takeLock(join(folder, 'lock'), () => undefined);
  const thing: ProcessPart = {
    kind: 'process',
    name: 'thing',
    group: 'services',
    needs: [],
    launch: () => ({ command: 'sleep', args: ['60'], env: { PATH: process.env['PATH'] ?? '' }, cwd: folder }),
    probe: async () => undefined,
    readyWithinSeconds: 20,
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 1,
  };
  const quiet = { parts: () => undefined, state: () => undefined, line: () => undefined };
  stack = new RunningStack({ system, folder, settings: {}, dataDir: folder }, [thing], lock, quiet);
});
afterEach(() => {
  stack.killAll();
  rmSync(folder, { recursive: true });
});

test.each<[string, () => Promise<void>]>([
  ['a part that somebody starts', () => stack.start('thing')],
  ['one more process of a service', () => stack.spawn('more', 'none.js', 1)],
  ['the whole of it', () => stack.startAll()],
])('nothing starts in a stack that closes: %s', async (_what, start) => {
  await stack.startAll();
  const closed = stack.close();
  await expect(start()).rejects.toThrow('Stopped while starting.');
  await closed;
  expect(lock.children()).toEqual([]);
});
