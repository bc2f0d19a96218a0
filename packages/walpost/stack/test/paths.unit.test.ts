import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { fillTemplate } from '../component.ts';
import { escapeProperty } from '../escape-property.ts';
import { makePrivate } from '../make-private.ts';
import { requireUsablePaths, root } from '../paths.ts';

test.each([
  ['a space', '/srv/my shop'],
  ['a hash', '/srv/c#'],
  ['a per cent sign', '/srv/100%20'],
  ['an accent', '/home/José'],
  ['Korean', '/home/한글'],
  ['an apostrophe', "/srv/it's"],
  ['brackets', '/srv/[a] (b) {c}'],
  ['signs of a pattern', '/srv/a*b?!+@'],
])('%s may be in the path of the clone and of the data', (_what, path) => {
  expect(() => requireUsablePaths({ clone: path, data: path })).not.toThrow();
});

test.each([
  [
    { clone: '/srv/"a"' },
    /^The clone folder \/srv\/"a" has a " in its path, and initdb .*: move the clone\.$/,
  ],
  [{ clone: '/srv/$HOME' }, /has a \$ in its path/],
  [{ clone: '/srv/`id`' }, /has a ` in its path/],
  [{ clone: '/srv/a\\b' }, /has a \\ in its path/],
  [{ data: '/srv/a,b' }, /^The data folder \/srv\/a,b has a , in its path, and Kafka .* set WALPOST_DATA/],
  [{ cache: '/srv/a:b' }, /^The cache folder \/srv\/a:b has a : in its path, and Java .* set XDG_CACHE_HOME/],
  [{ cache: '/srv/a,b' }, /has a , in its path/],
  [{ data: '/srv/a\nb' }, /^The data folder "\/srv\/a\\nb" has a control character/],
])('what some program cannot take is refused in one line: %j', (place, message) => {
  const refuse = () => requireUsablePaths({ clone: '/srv', data: '/srv', ...place });
  expect(refuse).toThrow(message);
});

test.each([
  ['/srv/kafka', '/srv/kafka'],
  ['/srv/my shop', '/srv/my shop'],
  [' first', '\\ first'],
  ['a\\b', 'a\\\\b'],
  ['José', 'Jos\\u00e9'],
  ['한글', '\\ud55c\\uae00'],
  ['😀', '\\ud83d\\ude00'],
  ['two\nlines', 'two\\u000alines'],
])('in a property file %j is written %s', (value, written) => {
  expect(escapeProperty(value)).toBe(written);
  expect(fillTemplate('log.dirs={{dir}}', { dir: value })).toBe(`log.dirs=${written}`);
});

test('no source takes the path of a URL for the path of a file, or makes a URL of one by hand', () => {
  const rooms = ['packages', 'services', 'scripts', 'compose', 'tests', 'lab'];
  const files = rooms
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true }).map((file) => join(room, String(file))),
    )
    .filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !/\/(node_modules|dist)\//.test(file));
  expect(files.length).toBeGreaterThan(200);
  const wrong = /import\.meta\.url\)\.pathname|`file:\/\/|'file:\/\/'/;
  const here = 'packages/walpost/stack/test/paths.unit.test.ts';
  expect(files.filter((file) => file !== here && wrong.test(readFileSync(join(root, file), 'utf8')))).toEqual(
    [],
  );
});

test('what a stack keeps is closed to others, what an older version left open included', () => {
  const parent = mkdtempSync(join(tmpdir(), 'walpost-private-'));
  const before = process.umask(0o022);
  const mode = (path: string) => statSync(path).mode & 0o777;
  try {
    const made = join(parent, 'new/data');
    makePrivate(made);
    expect(mode(made)).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
    writeFileSync(join(made, 'lock'), '');
    expect(mode(join(made, 'lock'))).toBe(0o600);

    process.umask(0o022);
    const old = join(parent, 'old');
    for (const name of ['kafka', 'logs', 'conf', 'mail', 'photos'])
      mkdirSync(join(old, name), { recursive: true });
    makePrivate(old);
    for (const name of ['kafka', 'logs', 'conf', 'mail'])
      expect([name, mode(join(old, name))]).toEqual([name, 0o700]);
    // What is not the stack's stays as its owner has it.
    expect([mode(old), mode(join(old, 'photos'))]).toEqual([0o755, 0o755]);
  } finally {
    process.umask(before);
    rmSync(parent, { recursive: true });
  }
  expect(existsSync(parent)).toBe(false);
});
