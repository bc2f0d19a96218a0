import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import type { Component, ProcessPart } from '../component.ts';
import { type Lock, takeLock } from '../lock.ts';
import { RunningStack } from '../running-stack.ts';

let folder: string;
let lock: Lock;
let stack: RunningStack;
let lines: string[];
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
  const step: Component = {
    kind: 'step',
    name: 'migrate',
    group: 'setup',
    needs: [],
    launch: () => ({
      command: 'sh',
      args: ['-c', 'echo "walpost: warning: edited" >&2; echo "something else" >&2'],
      env: { PATH: process.env['PATH'] ?? '' },
      cwd: folder,
    }),
  };
  lines = [];
  const report = {
    parts: () => undefined,
    state: () => undefined,
    line: (text: string) => lines.push(text),
  };
  stack = new RunningStack({ system, folder, settings: {}, dataDir: folder }, [step, thing], lock, report);
});
afterEach(async () => {
  await stack.close();
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

test('what a step warns of is said, and what was stopped is known until it is started', async () => {
  await stack.startAll();
  expect(lines).toEqual(['walpost: warning: edited']);
  await stack.stop('thing');
  expect(stack.stopped()).toEqual(['thing']);
  await stack.start('thing');
  expect(stack.stopped()).toEqual([]);
});
