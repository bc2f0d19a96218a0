import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineConfig } from '@walpost/kit/config';
import { contract } from '../../../../schemas/contract.generated.ts';
import { withPasswords } from '../../stack/env-file.ts';
import { completeSettings, portsOf } from '../../stack/settings.ts';
import { envExample } from '../env-example.ts';

const system = defineConfig({
  name: 'parcels',
  contract,
  services: { 'parcel-shop': { port: 4000 }, tracking: { port: 4001, database: 'tracks' } },
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-env-'));
  path = join(folder, '.env.example');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a project is told every setting that it can be started with', () => {
  const text = envExample(system, folder, false) ?? '';
  const given = parseEnv(withPasswords(text));
  expect(given).toMatchObject({
    PARCEL_SHOP_PORT: '4000',
    PARCEL_SHOP_URL: '',
    TRACKS_PASSWORD: expect.stringMatching(/^.{24}$/),
  });
  expect(portsOf({ system, settings: completeSettings(system, given) }).map(({ port }) => port)).toContain(
    4001,
  );
  expect(text).not.toMatch(/SMTP|__|REPLICATOR|^#(if|each|end)/m);
});

test('what is of the project’s own is kept, and a file without a place for it is left alone', () => {
  writeFileSync(path, `${envExample(system, folder, false)}\n# how far\nRANGE=3\n`);
  const text = envExample(system, folder, false);
  expect(text).toBe(readFileSync(path, 'utf8'));
  writeFileSync(path, 'RANGE=3\n');
  expect(envExample(system, folder, false)).toBeUndefined();
});
