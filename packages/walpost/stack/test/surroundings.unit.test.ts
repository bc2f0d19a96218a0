import { expect, test } from '@jest/globals';
import { reservePorts } from '../../testing/reserve-ports.ts';
import type { Site } from '../component.ts';
import { postgresPart } from '../postgres.ts';
import { completeSettings, requiredSecrets } from '../settings.ts';
import { consolePart, serviceNames, serviceProgram } from '../workspace-programs.ts';

const passwords = Object.fromEntries(requiredSecrets.map((name) => [name, 'x']));
const siteOf = (env: Record<string, string>): Site => ({
  settings: completeSettings({ ...passwords, ...env }),
  dataDir: '/data',
});

test.each(['x86_64-conda-linux-gnu', 'laptop', '0.0.0.0', ''])(
  'with HOST=%s npm start has its services listen on this machine, and for it only',
  (host) => {
    const site = siteOf({ HOST: host });
    const parts = [...serviceNames.map((name) => serviceProgram(site, name)), consolePart(site)];
    expect(parts.map((part) => part.launch().env['HOST'])).toEqual(parts.map(() => '127.0.0.1'));
  },
);

test('what psql is given about where to look says nothing of the Postgres that npm start waits for', async () => {
  process.env['PGTARGETSESSIONATTRS'] = 'any';
  const block = await reservePorts();
  try {
    // Nobody is there yet.
    const { probe } = postgresPart(siteOf({ POSTGRES_PORT: String(block.ports[0]) }));
    await expect(probe(new AbortController().signal)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  } finally {
    block.release();
    delete process.env['PGTARGETSESSIONATTRS'];
  }
});
