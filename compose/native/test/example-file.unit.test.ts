import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, test } from '@jest/globals';
import { withPasswords } from '../env-file.js';
import { root } from '../paths.js';
import { completeSettings, portsOf } from '../settings.js';

const example = readFileSync(join(root, '.env.example'), 'utf8');

test('.env.example holds every setting with its default, and no password', () => {
  const given = parseEnv(withPasswords(example));
  const { length } = Object.keys(given).filter((name) => name.endsWith('_PASSWORD'));
  expect(length).toBe(7);
  const passwords = Object.fromEntries(Object.entries(given).filter(([name]) => name.endsWith('_PASSWORD')));
  expect(completeSettings(passwords)).toEqual(given);
  expect(portsOf(completeSettings(given))).toHaveLength(10);
  expect(example).not.toMatch(/PASSWORD=./);
});
