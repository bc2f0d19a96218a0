import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import { makeEnvFile } from '../env-file.ts';
import { root } from '../paths.ts';
import { formerSecrets, secretNames } from '../secrets.ts';
import { completeSettings } from '../settings.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-env-'));
  file = join(folder, '.env');
});
afterEach(() => rmSync(folder, { recursive: true }));
const make = (env = {}) => makeEnvFile(system, file, join(root, '.env.example'), env);
const read = () => parseEnv(readFileSync(file, 'utf8'));

test('without an .env one is made, for its owner only', async () => {
  expect(await make()).toBe('made');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const first = read();
  expect(secretNames(system).filter((name) => !first[name])).toEqual([]);
  expect(await make()).toBe('kept');
  expect(read()).toEqual(first);
});

test.each([
  ['a port and nothing else', 'POSTGRES_PORT=5544'],
  ['nothing', ''],
  ['empty passwords', 'POSTGRES_PASSWORD=\nORDERS_PASSWORD=\nCONSOLE_TOKEN=\n'],
  ['one password', '# mine\nORDERS_PASSWORD="of my own"\n'],
])('an .env with %s gets what it lacks, and keeps what it has', async (_what, text) => {
  // As an editor makes it, for everybody to read.
  writeFileSync(file, text);
  chmodSync(file, 0o644);
  const before = read();
  expect(await make()).toBe('completed');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8').startsWith(text)).toBe(true);
  const after = read();
  for (const [name, value] of Object.entries(before))
    if (value) expect([name, after[name]]).toEqual([name, value]);
  expect(() => completeSettings(system, after)).not.toThrow();
  // Left empty on purpose: nobody may change anything on the console.
  if (before['CONSOLE_TOKEN'] === '') expect(after['CONSOLE_TOKEN']).toBe('');
  expect(await make()).toBe('kept');
});

test.each(Object.entries(formerSecrets))('an .env that has %s lacks no %s', async (former, name) => {
  expect(await make()).toBe('made');
  const text = readFileSync(file, 'utf8').replace(`\n${name}=`, `\n${former}=`);
  writeFileSync(file, text);
  expect(await make()).toBe('kept');
  expect(completeSettings(system, read())[name]).toBe(read()[former]);
});

test('what is set in the environment is not made again', async () => {
  writeFileSync(file, '');
  const { POSTGRES_PASSWORD: _made, ...others } = Object.fromEntries(
    secretNames(system).map((name) => [name, 'given']),
  );
  expect(await make(others)).toBe('completed');
  expect(Object.keys(read())).toEqual(['POSTGRES_PASSWORD']);
});
