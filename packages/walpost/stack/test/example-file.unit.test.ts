import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import { withPasswords } from '../env-file.ts';
import { root } from '../paths.ts';
import { completeSettings, portsOf } from '../settings.ts';

const example = readFileSync(join(root, '.env.example'), 'utf8');

test('.env.example holds every setting with its default, and no password', () => {
  const given = parseEnv(withPasswords(example));
  const { length } = Object.keys(given).filter((name) => name.endsWith('_PASSWORD'));
  expect(length).toBe(23);
  const passwords = Object.fromEntries(Object.entries(given).filter(([name]) => name.endsWith('_PASSWORD')));
  expect(given).toMatchObject(completeSettings(system, passwords));
  expect(portsOf({ system, settings: completeSettings(system, given) })).toHaveLength(14);
  expect(example).not.toMatch(/PASSWORD=./);
});

test('.env.example holds every variable that a service reads', () => {
  const files = ['order', 'payment', 'inventory', 'notification'].map((name) => `services/${name}/main.ts`);
  const sources = [
    ...files,
    'packages/walpost/console/main.ts',
    'packages/kit/environment.ts',
    'packages/kit/service/run-service.ts',
    'packages/kit/service/retention.ts',
    'packages/kit/telemetry/start-tracing.ts',
  ];
  const read = sources.flatMap((file) =>
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(/^\s+([A-Z][A-Z0-9_]+): (?:Type|Port|Secret)\b/gm),
    ].map(([, name]) => name),
  );
  expect(read.length).toBeGreaterThan(15);
  expect(Object.keys(parseEnv(example))).toEqual(expect.arrayContaining(read));
});
