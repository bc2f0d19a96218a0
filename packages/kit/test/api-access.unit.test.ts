import { expect, test } from '@jest/globals';
import { connectAccess, registryAccess } from '../api-access.ts';
import { connectSettings, eventSettings, readConfig } from '../environment.ts';
import { ConfigError } from '../errors.ts';

type Variables = Readonly<Record<string, string>>;
const url = 'https://there';

test.each<[Variables, object]>([
  [{ URL: `${url}/` }, { url }],
  [
    { URL: url, USERNAME: 'u', PASSWORD: 'p' },
    { url, credentials: { username: 'u', password: 'p' } },
  ],
  [{ URL: 'https://u:p@there' }, { url, credentials: { username: 'u', password: 'p' } }],
  [
    { URL: url, TOKEN: 't' },
    { url, token: 't' },
  ],
  [
    { URL: url, CA_FILE: '/ca' },
    { url, ca: { path: '/ca' } },
  ],
])('%j', (variables, access) => {
  for (const [prefix, read] of readers) expect(read(named(prefix, variables))).toMatchObject(access);
});

test.each<[Variables, RegExp]>([
  [{ URL: url, TOKEN: 't', USERNAME: 'u', PASSWORD: 'p' }, /^Configuration: \w+_TOKEN is set beside a user/],
  [{ URL: 'https://u:p@there', TOKEN: 't' }, /^Configuration: \w+_TOKEN is set beside a user/],
  [{ URL: 'http://there', CA_FILE: '/ca' }, /^Configuration: \w+_CA_FILE is set, but \w+_URL is no https/],
])('%j is refused in one line', (variables, why) => {
  for (const [prefix, read] of readers) {
    expect(() => read(named(prefix, variables))).toThrow(ConfigError);
    expect(() => read(named(prefix, variables))).toThrow(why);
  }
});

const readers = [
  ['SCHEMA_REGISTRY', (env: Variables) => registryAccess(readConfig(eventSettings, env))],
  ['CONNECT', (env: Variables) => connectAccess(readConfig(connectSettings, env))],
] as const;

function named(prefix: string, variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [`${prefix}_${name}`, value]));
}
