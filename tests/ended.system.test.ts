import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { isAlive } from 'walpost/stack/process-table';
import { eventually } from 'walpost/testing/support';

const root = fileURLToPath(new URL('..', import.meta.url));

test('npm test that is ended leaves no process and no data', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'walpost-ended-'));
  const args = ['test', '--', '--selectProjects', 'system', '--testPathPatterns', 'forgotten-transaction'];
  const run = spawn('npm', args, { cwd: root, env: { ...process.env, TMPDIR: folder }, stdio: 'ignore' });
  try {
    const pids = await eventually(async () => {
      const data = readdirSync(folder).find((name) => name.startsWith('walpost-test-'));
      if (run.exitCode !== null) throw new Error(`npm test ended by itself: ${run.exitCode}`);
      const lock = JSON.parse(readFileSync(join(folder, data ?? '', 'lock'), 'utf8'));
      const children: { name: string; pid: number }[] = lock.children;
      return children.some(({ name }) => name === 'kafka') ? children.map(({ pid }) => pid) : undefined;
    });
    expect(pids.filter(isAlive)).toEqual(pids);
    run.kill('SIGTERM');
    await once(run, 'exit');
    expect(readdirSync(folder).filter((name) => /^walpost-(test|results)-/.test(name))).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
  } finally {
    run.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
});
