import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { isAlive } from 'walpost/stack/process-table';
import { eventually } from 'walpost/testing/support';

const root = fileURLToPath(new URL('..', import.meta.url));

test.each<[string, (npm: ChildProcess, jest: number) => void]>([
  ['npm is ended', (npm) => npm.kill('SIGTERM')],
  ['Jest dies', (_npm, jest) => process.kill(jest, 'SIGKILL')],
])('npm test leaves no process and no data when %s', async (_what, end) => {
  const folder = mkdtempSync(join(tmpdir(), 'walpost-ended-'));
  const args = ['test', '--', '--selectProjects', 'system', '--testPathPatterns', 'forgotten-transaction'];
  const run = spawn('npm', args, { cwd: root, env: { ...process.env, TMPDIR: folder }, stdio: 'ignore' });
  try {
    const { pids, jest } = await eventually(async () => {
      const data = readdirSync(folder).find((name) => name.startsWith('walpost-test-'));
      if (run.exitCode !== null) throw new Error(`npm test ended by itself: ${run.exitCode}`);
      const lock = JSON.parse(readFileSync(join(folder, data ?? '', 'lock'), 'utf8'));
      const children: { name: string; pid: number }[] = lock.children;
      const isReady = children.some(({ name }) => name === 'kafka');
      return isReady ? { pids: children.map(({ pid }) => pid), jest: Number(lock.owner.pid) } : undefined;
    });
    expect(pids.filter(isAlive)).toEqual(pids);
    const exit = once(run, 'exit');
    end(run, jest);
    await exit;
    expect(readdirSync(folder).filter((name) => /^walpost-(test|results)-/.test(name))).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
  } finally {
    run.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
});
