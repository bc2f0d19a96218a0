import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readLock, takeLock } from '../lock.ts';
import { type ProcessRecord, recordOf, stillRuns } from '../process-table.ts';

let folder: string;
let file: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-lock-'));
  file = join(folder, 'lock');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A real process that waits, and its record. */
function startSleeper(name: string): ProcessRecord {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  children.push(child);
  const record = child.pid === undefined ? undefined : recordOf(name, child.pid);
  if (!record) throw new Error('sleep did not start');
  return record;
}

const gone: ProcessRecord = { name: 'launcher', pid: process.pid, started: 'before the last boot' };

test('a lock whose owner runs is refused in one line that names it', async () => {
  const lock = await takeLock(file, () => undefined);
  await expect(takeLock(file, () => undefined)).rejects.toThrow(`Already running (process ${process.pid}`);
  lock.release();
  expect(existsSync(file)).toBe(false);
});

test('an owner whose number is now another process counts as gone', () => {
  writeFileSync(file, JSON.stringify({ owner: gone, children: [] }));
  expect(readLock(file).kind).toBe('left');
  expect(readLock(join(folder, 'none')).kind).toBe('none');
});

test('children of a killed launcher are ended, and a stranger with a child’s number is spared', async () => {
  const ours = startSleeper('kafka');
  const stranger = startSleeper('stranger');
  const recycled = { ...stranger, name: 'connect', started: 'long ago' };
  writeFileSync(file, JSON.stringify({ owner: gone, children: [ours, recycled] }));
  const said: string[] = [];
  const lock = await takeLock(file, (line) => said.push(line));
  expect(stillRuns(ours)).toBe(false);
  expect(stillRuns(stranger)).toBe(true);
  expect(said).toEqual([`Ending what an earlier run left: kafka (${ours.pid})`]);
  lock.release();
});

test('the lock lists the children that run', async () => {
  const lock = await takeLock(file, () => undefined);
  const [one, two] = [startSleeper('one'), startSleeper('two')];
  lock.add(one);
  lock.add(two);
  lock.remove(one.pid);
  expect(JSON.parse(readFileSync(file, 'utf8')).children).toEqual([two]);
  lock.release();
});
