import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import { root } from '../paths.ts';
import { formerSecrets, programSecrets, secretNames, securedSecrets } from '../secrets.ts';

const files = [
  'infrastructure.yaml',
  'services.yaml',
  'secure.yaml',
  'secure/services.yaml',
  'cluster/nodes.yaml',
];
const read = (name: string) => readFileSync(join(root, 'compose', name), 'utf8').replace(/#.*/g, '');

/** The services of a file, each with its lines. */
function servicesOf(text: string): [string, string][] {
  const [, services = ''] = text.split(/^services:$/m);
  const found = services.split(/^\w+:$/m)[0]?.matchAll(/^ {2}([\w-]+):\n((?: {4}.*\n|\n)*)/gm) ?? [];
  return [...found].map(([, name = '', body = '']) => [name, body]);
}

/** Those that were renamed are taken under their former name too. */
const wanted = [...secretNames(system), ...Object.keys(formerSecrets)];
const all = files.flatMap((file) => servicesOf(read(file)).map((service) => [file, ...service] as const));

test.each(all)(
  'compose/%s: %s has its own secrets only, and no variable of it is one',
  (file, service, body) => {
    const mounted = [...body.matchAll(/secrets-([\w-]+):\/run\/secrets:ro/g)].map(([, program]) => program);
    expect(mounted.filter((program) => program !== service)).toEqual([]);
    const makes = service === 'secrets' && file === 'infrastructure.yaml';
    const variables = [...body.matchAll(/^ {6}(\w+_(?:PASSWORD|TOKEN)):/gm)].map(([, variable]) => variable);
    expect(variables).toEqual(makes ? wanted : []);
    const interpolated = [...body.matchAll(/\$\{(\w+_(?:PASSWORD|TOKEN))\b/g)].map(
      ([, variable]) => variable,
    );
    expect(interpolated).toEqual(makes ? wanted : []);
  },
);

test('whoever has secrets mounts them, and what makes them fills the same volumes', () => {
  const wanted = [...new Set([programSecrets(system), securedSecrets(system)].flatMap(Object.keys))].sort();
  const mounted = all.flatMap(([, service, body]) => (body.includes(':/run/secrets:ro') ? [service] : []));
  expect([...new Set(mounted)].sort()).toEqual(wanted);
  const filled = all.flatMap(([, service, body]) =>
    service === 'secrets'
      ? [...body.matchAll(/secrets-([\w-]+):\/secrets\/\1$/gm)].map(([, program]) => program)
      : [],
  );
  expect(filled.sort()).toEqual(wanted);
});
