import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import { checkMachine, type MachineCheck } from '../check-machine.ts';
import { recordOf } from '../process-table.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-machine-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function look(env: Record<string, string>): Promise<Map<string, MachineCheck>> {
  const checks = await checkMachine(
    { folder, system },
    { HOME: folder, XDG_CACHE_HOME: folder, WALPOST_DATA: folder, ...env },
  );
  return new Map(checks.map((check) => [check.what, check]));
}

test('with neither Maven nor Docker the system cannot run here, and both say so', async () => {
  const checks = await look({ PATH: '/nowhere' });
  expect(checks.get('Maven')).toMatchObject({
    state: 'fail',
    text: expect.stringContaining('apt install maven'),
  });
  expect(checks.get('Docker Compose')).toMatchObject({ state: 'fail' });
  expect(checks.get('Node')).toEqual({ what: 'Node', state: 'ok', text: process.versions.node, help: [] });
});

test('what only the other way needs is no failure', async () => {
  const docker = join(folder, 'docker');
  writeFileSync(docker, '#!/bin/sh\necho 2.40.0\n', { mode: 0o755 });
  const checks = await look({ PATH: folder });
  expect(checks.get('Docker Compose')).toMatchObject({ state: 'ok', text: '2.40.0' });
  expect(checks.get('Maven')).toMatchObject({ state: 'ok', text: 'not here; only npm start needs it' });
});

test.each([
  ['mvn', 'Maven'],
  ['docker', 'Docker Compose'],
])('%s is asked for its version without the passwords of .env', async (program, what) => {
  const text = 'password: $POSTGRES_PASSWORD, mirror: $MAVEN_TOKEN';
  writeFileSync(join(folder, program), `#!/bin/sh\necho "${text}"\n`, { mode: 0o755 });
  const checks = await look({ PATH: folder, POSTGRES_PASSWORD: 'secret', MAVEN_TOKEN: 'its own' });
  expect(checks.get(what)).toMatchObject({ state: 'ok', text: 'password: , mirror: its own' });
});

test('ports: a launcher that runs, a setting that is wrong', async () => {
  expect((await look({ POSTGRES_PORT: 'none' })).get('ports')).toMatchObject({
    state: 'warn',
    text: expect.stringContaining('POSTGRES_PORT=none is not a port'),
  });
  writeFileSync(
    join(folder, 'lock'),
    JSON.stringify({ owner: recordOf('launcher', process.pid), children: [] }),
  );
  expect((await look({})).get('ports')).toMatchObject({
    state: 'ok',
    text: `npm start runs here (process ${process.pid})`,
  });
});
