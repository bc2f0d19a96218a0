import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Lock, takeLock } from '../lock.ts';
import { isAlive } from '../process-table.ts';
import { type State, Supervisor } from '../supervise.ts';

let folder: string;
let lock: Lock;
let states: State[];
let texts: string[];
const supervisors: Supervisor[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-supervise-'));
  lock = await takeLock(join(folder, 'lock'), () => undefined);
  states = [];
  texts = [];
});
afterEach(async () => {
  await Promise.all(supervisors.splice(0).map((one) => one.stop()));
  rmSync(folder, { recursive: true });
});

const hasWritten = async () => {
  if (!readFileSync(join(folder, 'thing.log'), 'utf8').endsWith('\n')) throw new Error('nothing written');
};

/** A supervisor of a shell script, which is ready when it has written a line unless a probe is given. */
function supervise(script: string, probe = hasWritten): Supervisor {
  const program = {
    name: 'thing',
    launch: () => ({
      command: 'sh',
      args: ['-c', script],
      env: { PATH: process.env['PATH'] ?? '' },
      cwd: folder,
    }),
    probe,
    readyWithinSeconds: probe === never ? 1 : 20,
    stopSignal: 'SIGTERM' as const,
    stopWithinSeconds: 1,
  };
  const report = (state: State, text?: string) => {
    states.push(state);
    if (text) texts.push(text);
  };
  const supervisor = new Supervisor(program, { logPath: join(folder, 'thing.log'), lock, report });
  supervisors.push(supervisor);
  return supervisor;
}

const never = async () => {
  throw new Error('nobody answers');
};

test('a program that is killed is reported with its last lines and runs again', async () => {
  const thing = supervise('echo "about to die"; exec sleep 60');
  await thing.start();
  const first = thing.pid;
  await thing.kill('SIGKILL');
  await thing.ready();
  expect(thing.pid).not.toBe(first);
  expect(texts[0]).toMatch(/^thing died \(signal SIGKILL\); last lines of .*thing\.log:\n {2}about to die\n/);
  expect(lock.children().map(({ pid }) => pid)).toEqual([thing.pid]);
  await thing.stop();
  expect(states).toEqual(['starting', 'ready', 'restarting', 'restarting', 'ready', 'stopping', 'stopped']);
  expect(lock.children()).toEqual([]);
});

test('one that ends while starting fails the start with the end of its log', async () => {
  const thing = supervise('echo "no such setting"; exit 3', never);
  await expect(thing.start()).rejects.toThrow(
    /thing ended while starting \(exit 3\); .*\n {2}no such setting$/,
  );
  expect(states).toEqual(['starting', 'failed']);
});

test('one that never serves fails the start, with the reason, and is ended', async () => {
  const thing = supervise('exec sleep 60', never);
  await expect(thing.start()).rejects.toThrow('thing was not ready within 1 s (nobody answers)');
  expect(lock.children()).toEqual([]);
});

test('one that ignores the signal is killed when its time is over', async () => {
  const thing = supervise(`trap '' TERM; echo started; while :; do sleep 1; done`);
  await thing.start();
  const { pid } = thing;
  await thing.stop();
  expect(pid !== undefined && isAlive(pid)).toBe(false);
});

test('a stop while starting ends the start and the process', async () => {
  const thing = supervise('exec sleep 60', never);
  const starting = thing.start();
  const stopped = thing.stop();
  await expect(starting).rejects.toThrow();
  await stopped;
  expect(lock.children()).toEqual([]);
});
