import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { aclsOf } from 'walpost/acls';
import { root } from 'walpost/stack/paths';
import system from '../../walpost.config.ts';

// Two tell Kafka who may do what: compose/secure/principals.sh, which runs in the broker's image, and the table that the
// export to Kubernetes is written from.

/** What a line of the script allows, as `user: operation of resource name (pattern)`, one of each. */
function allowedBy(line: string): string[] {
  const [name = '', ...options] = line.replaceAll("'", '').trim().split(/\s+/).slice(1);
  const valuesOf = (option: string) =>
    options.flatMap((each, at) => (each === option ? [options[at + 1]] : []));
  const [pattern = 'literal'] = valuesOf('--resource-pattern-type');
  const resources = [
    ...valuesOf('--topic').map((each) => `topic ${each}`),
    ...valuesOf('--group').map((each) => `group ${each}`),
    ...valuesOf('--transactional-id').map((each) => `transactionalId ${each}`),
    ...(options.includes('--cluster') ? ['cluster'] : []),
  ];
  return valuesOf('--operation').flatMap((operation) =>
    resources.map((resource) => `${name}: ${operation} of ${resource} (${pattern})`),
  );
}

test('the script allows what the table says, and nothing else', () => {
  const script = readFileSync(join(root, 'compose/secure/principals.sh'), 'utf8').replaceAll('\\\n', ' ');
  const lines = script.split('\n').filter((line) => /^\s*may [a-z]/.test(line));
  const scripted = lines.flatMap((line) => allowedBy(line.replace(/&\s*$/, '')));
  expect(scripted.length).toBeGreaterThan(30);
  const said = Object.entries(aclsOf(system)).flatMap(([user, rules]) =>
    rules.flatMap(({ resource, name, pattern, operations }) =>
      operations.map(
        (each) =>
          `${user}: ${each} of ${[resource, name].join(' ').trim()} (${pattern === 'prefix' ? 'prefixed' : pattern})`,
      ),
    ),
  );
  expect(said.sort()).toEqual(scripted.sort());
});

test('the script makes the users of the table', () => {
  const script = readFileSync(join(root, 'compose/secure/principals.sh'), 'utf8');
  const made = [...script.matchAll(/^user (\S+) /gm)].map(([, user]) => user);
  expect(made.sort()).toEqual(Object.keys(aclsOf(system)).sort());
});
