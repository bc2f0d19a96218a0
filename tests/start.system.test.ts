import { type ChildProcess, exec as execCallback, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, endOf, eventually } from 'walpost/testing/support';
import { type FreeEnvironment, freeEnvironment } from 'walpost/testing/test-stack';
import system from '../walpost.config.ts';

const exec = promisify(execCallback);
const root = fileURLToPath(new URL('..', import.meta.url));
let free: FreeEnvironment;
let env: Record<string, string>;
let folder: string;
let dataDir: string;
let launcher: ChildProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-start-'));
  // Wherever somebody puts it.
  dataDir = join(folder, "it's # 100%20 é 한글");
  free = await freeEnvironment(system);
  env = { ...free.env, WALPOST_DATA: dataDir };
});
afterAll(async () => {
  launcher?.kill('SIGTERM');
  free?.release();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `npm start` until it prints its `curl` line. @returns that line */
async function start(): Promise<string> {
  launcher = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  launcher.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  launcher.stderr?.on('data', (chunk) => {
    output += chunk;
  });
  const ended = once(launcher, 'exit').then(() => {
    throw new Error(`npm start ended: ${output}`);
  });
  // Of a launcher that is stopped later nobody waits for this.
  ended.catch(() => undefined);
  return Promise.race([eventually(async () => /^ *(curl .*)$/m.exec(output)?.[1], 180), ended]);
}

/** The processes of the stack, by its own lock file. */
function processes(): number[] {
  const { owner, children } = JSON.parse(readFileSync(join(dataDir, 'lock'), 'utf8'));
  return [owner, ...children].map(({ pid }) => pid);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What others than its owner may read, write or enter of what the stack keeps. */
function openToOthers(): string[] {
  return readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((name) => {
    // Postgres removes files at any time.
    const found = statSync(join(dataDir, name), { throwIfNoEntry: false });
    return found !== undefined && (found.mode & 0o077) !== 0;
  });
}

async function placeByCurl(line: string): Promise<string> {
  const { stdout } = await exec(`${line.replace('curl -i', 'curl -sS -i')}`);
  expect(stdout).toMatch(/^HTTP\/1.1 201/);
  return /"id":"([^"]+)"/.exec(stdout)?.[1] ?? '';
}

test('npm start, the printed curl line, kill -9 of everything, start again, SIGTERM', async () => {
  const line = await start();
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect(readme).toContain(line.replace(/localhost:\d+/, 'localhost:3000'));
  const first = await placeByCurl(line);
  expect((await endOf(env, first)).status).toBe('CONFIRMED');

  expect(openToOthers()).toEqual([]);

  const killed = processes();
  expect(killed.length).toBeGreaterThanOrEqual(9);
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  await eventually(async () => (killed.some(alive) ? undefined : true));

  const second = await placeByCurl(await start());
  expect((await endOf(env, second)).status).toBe('CONFIRMED');
  expect((await call(env, `/orders/${first}`)).status).toBe(200);

  const stopped = processes();
  const exit = once(launcher, 'exit');
  launcher.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  expect(stopped.filter(alive)).toEqual([]);
  expect(existsSync(join(dataDir, 'lock'))).toBe(false);
}, 400_000);
