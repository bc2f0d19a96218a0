import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import system from '../../../walpost.config.ts';
import { contractText, requireFreshContract } from '../generated-file.ts';
import { findProject, loadProject } from '../project.ts';
import { root } from '../stack/paths.ts';
import { openStack } from '../stack/stack.ts';

const program = fileURLToPath(new URL('../walpost.mjs', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-project-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const config = (text: string) => writeFileSync(join(folder, 'walpost.config.ts'), text);

test('a project is found from any folder in it', () => {
  config('');
  mkdirSync(join(folder, 'services/a'), { recursive: true });
  expect(findProject(join(folder, 'services/a'))).toBe(folder);
});

test.each([
  ['export const system = {};', 'its default export is not what defineConfig gives'],
  ['export default {', 'walpost.config.ts: '],
  ["import './nothing.ts';", 'walpost.config.ts: '],
  [
    'throw Object.assign(new Error("walpost.config.ts: port twice"), { code: "CONFIG_INVALID" });',
    'walpost: walpost.config.ts: port twice',
  ],
])('a configuration like %j ends in one line that names it', (text, message) => {
  config(text);
  const { status, stderr } = spawnSync(process.execPath, [program, 'groups', 'list'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect([status, stderr.trimEnd().split('\n').length]).toEqual([1, 1]);
  expect(stderr).toContain(message);
});

test('a configuration that a stale contract does not bear ends in the command that mends it', async () => {
  config('throw Object.assign(new Error("no topic a-events"), { code: "CONFIG_INVALID" });');
  mkdirSync(join(folder, 'schemas/a-events'), { recursive: true });
  writeFileSync(
    join(folder, 'schemas/a-events/Booked.avsc'),
    '{"type":"record","name":"Booked","fields":[]}',
  );
  await expect(loadProject(folder)).rejects.toThrow(/contract\.generated\.ts: .* run `npx walpost generate`/);
  writeFileSync(join(folder, 'schemas/contract.generated.ts'), contractText(folder));
  await expect(loadProject(folder)).rejects.toThrow('no topic a-events');
});

test('outside of a project one line says so', async () => {
  await expect(loadProject(folder)).rejects.toThrow(`there is no walpost.config.ts in ${folder} or above it`);
});

test('a contract that is stale, or an .avsc that is none, is named before anything starts', () => {
  mkdirSync(join(folder, 'schemas/a-events'), { recursive: true });
  const file = join(folder, 'schemas/a-events/Booked.avsc');
  writeFileSync(file, '{"type":"record","name":"Booked","fields":[{"name":"a","type":"int"}]}');
  writeFileSync(join(folder, 'schemas/contract.generated.ts'), contractText(folder));
  expect(() => requireFreshContract(folder)).not.toThrow();
  writeFileSync(
    join(folder, 'schemas/contract.generated.ts'),
    contractText(folder).replace(/^.*/, '// Older words.'),
  );
  expect(() => requireFreshContract(folder)).not.toThrow();
  writeFileSync(file, '{"type":"record","name":"Booked","fields":[{"name":"b","type":"int"}]}');
  expect(() => requireFreshContract(folder)).toThrow(
    'schemas/contract.generated.ts: not what the .avsc files and walpost.config.ts say; run `npx walpost generate`',
  );
  writeFileSync(file, '{');
  expect(() => requireFreshContract(folder)).toThrow(/^schemas: .*Booked\.avsc/);
});

test('a program that is missing is named before anything starts', async () => {
  const project = { folder, system };
  await expect(openStack({ project, dataDir: folder, env: {} })).rejects.toThrow(
    /^walpost\.config\.ts: service order: dist\/order\/main\.js is not there; service payment: /,
  );
});

test('what is generated is committed as it would be written; if not, run `npm run generate`', () => {
  const { stdout, stderr } = spawnSync(process.execPath, [program, 'generate', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect([stdout, stderr]).toEqual(['everything is as it is to be\n', '']);
});
