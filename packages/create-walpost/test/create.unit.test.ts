import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const program = fileURLToPath(new URL('../index.mjs', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-create-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  [[], 'say which folder to make'],
  [['a', 'b'], 'say which folder to make'],
  [
    ['parcels', '--publisher', 'Shipment'],
    '--publisher: "Shipment" is not lower-case letters, digits and hyphens',
  ],
  [['parcels', '--consumer', 'a b'], '--consumer: "a b" is not lower-case letters'],
  [['parcels', '--publisher', 'a', '--consumer', 'a'], '--publisher and --consumer need two names'],
  [['.'], 'is not empty'],
  [['1234'], "a project's name begins with a letter"],
  [['parcels', '--packages', '.'], 'there is no walpost-kit-….tgz in'],
  [['parcels', '--packages', 'nowhere'], 'there is no walpost-kit-….tgz in'],
  [['parcels', '--colour'], "Unknown option '--colour'"],
])('called with %j it says what is wrong, and writes nothing', (args, message) => {
  writeFileSync(join(folder, 'mine.txt'), '');
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^create-walpost: /);
  expect(stderr).toContain(message);
  expect(readdirSync(folder)).toEqual(['mine.txt']);
});

test('asked for help it gives it, and that is no failure', () => {
  const { status, stdout } = spawnSync(process.execPath, [program, '--help'], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringContaining('--publisher <name>')]);
});

test('the README begins with the name of the project', () => {
  // Two underscores around a word are bold in Markdown, and a formatter makes asterisks of them.
  const readme = readFileSync(new URL('../template/README.md', import.meta.url), 'utf8');
  expect(readme).toMatch(/^# .*__name__/);
});
