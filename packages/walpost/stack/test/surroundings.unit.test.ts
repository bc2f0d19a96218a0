import { expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import { reservePorts } from '../../testing/reserve-ports.ts';
import type { Site } from '../component.ts';
import { root } from '../paths.ts';
import { postgresPart } from '../postgres.ts';
import { requiredSecrets } from '../secrets.ts';
import { completeSettings } from '../settings.ts';
import { consolePart, serviceProgram } from '../workspace-programs.ts';

const passwords = Object.fromEntries(requiredSecrets(system).map((name) => [name, 'x']));
const siteOf = (env: Record<string, string>): Site => ({
  system,
  folder: root,
  settings: completeSettings(system, { ...passwords, ...env }),
  dataDir: '/data',
});

test.each(['x86_64-conda-linux-gnu', 'laptop', '0.0.0.0', ''])(
  'with HOST=%s npm start has its services listen on this machine, and for it only',
  (host) => {
    const site = siteOf({ HOST: host });
    const parts = [...system.services.map((service) => serviceProgram(site, service)), consolePart(site)];
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
