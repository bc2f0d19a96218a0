import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { formerVariables } from '@walpost/kit/former-names';
import system from '../../../../walpost.config.ts';
import type { Site } from '../component.ts';
import { root } from '../paths.ts';
import { formerSecrets, programSecrets, secretNames, securedSecrets } from '../secrets.ts';
import { completeSettings, settingsFor, withoutSecrets } from '../settings.ts';
import { keepSecrets, readKept, shareSecrets } from '../share-secrets.ts';
import { partsOf } from '../stack.ts';

/** Every secret with its own name in its value, and two that are not the system's. */
const all: Record<string, string> = {
  ...Object.fromEntries(secretNames(system).map((name) => [name, `secret of ${name};`])),
  KAFKA_PASSWORD: 'secret of KAFKA_PASSWORD;',
  CONNECT_PASSWORD: 'secret of CONNECT_PASSWORD;',
};
const secretsIn = (text: string) => [...text.matchAll(/secret of (\w+);/g)].map(([, name]) => name).sort();

const components = { kafka: '/k', debezium: '/d', apicurio: '/a', archives: '/j' };
const site: Site = {
  system,
  folder: root,
  settings: completeSettings(system, all),
  dataDir: '/data',
  java: { jdk: { home: '/jdk', version: 21 }, components },
};
// What Postgres is launched with is known only after it was prepared.
const launched = partsOf(site).filter(({ name }) => name !== 'postgres');

test('a stack without Java has the same parts: none asks for it before it starts', () => {
  const names = (one: Site) => partsOf(one).map(({ name }) => name);
  expect(names({ system, folder: root, settings: site.settings, dataDir: '/data' })).toEqual(names(site));
});

test.each(launched.map((part) => [part.name, part] as const))(
  'npm start gives %s the secrets of the table, in its environment and not as arguments',
  (name, part) => {
    const { command, args, env } = part.launch();
    // Apicurio's variable has a name of its own.
    const given = secretsIn(Object.values(env).join());
    expect(given).toEqual(Object.values(programSecrets(system)[name] ?? {}).sort());
    expect(secretsIn([command, ...args].join())).toEqual([]);
  },
);

test('the watcher and what registers topics, schemas and connectors have no secret at all', () => {
  for (const program of ['watcher', 'topics', 'schemas', 'connectors', 'mail', 'kafka', 'unknown'])
    expect([program, secretsIn(Object.values(settingsFor(system, program, site.settings)).join())]).toEqual([
      program,
      [],
    ]);
});

test('where another Kafka asks who one is, what reads its variables gets the login, and where none does nobody', () => {
  const login = {
    KAFKA_PASSWORD: 'secret of KAFKA_PASSWORD;',
    KAFKA_OAUTH_CLIENT_SECRET: 'secret of OAUTH;',
  };
  const given = (protocol: string) => {
    const settings = { ...login, KAFKA_SECURITY_PROTOCOL: protocol };
    return secretsIn(Object.values(settingsFor(system, 'topics', settings)).join());
  };
  expect(given('SASL_SSL')).toEqual(['KAFKA_PASSWORD', 'OAUTH']);
  for (const protocol of ['PLAINTEXT', 'SSL']) expect(given(protocol)).toEqual([]);
});

test('Maven sees none of the system’s secrets, and keeps those of its own', () => {
  const env = withoutSecrets(system, { ...all, MAVEN_TOKEN: 'mirror' });
  expect(secretsIn(Object.values(env).join())).toEqual(['CONNECT_PASSWORD', 'KAFKA_PASSWORD']);
  expect(env['MAVEN_TOKEN']).toBe('mirror');
});

test('the table names every secret of .env.example, and gives each to somebody', () => {
  const example = Object.keys(parseEnv(readFileSync(join(root, '.env.example'), 'utf8')));
  // What a client is given depends on who it is.
  const ofClients = ['KAFKA', 'SCHEMA_REGISTRY', 'CONNECT'].flatMap((whose) => [
    `${whose}_PASSWORD`,
    `${whose}_TOKEN`,
  ]);
  const wanted = example.filter((name) => /_(PASSWORD|TOKEN)$/.test(name) && !ofClients.includes(name));
  expect([...secretNames(system)].sort()).toEqual(wanted.sort());
  const given = [programSecrets(system), securedSecrets(system)].flatMap((table) =>
    Object.values(table).flatMap(Object.values),
  );
  expect([...new Set(given)].sort()).toEqual([...secretNames(system)].sort());
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const read = (program: string) =>
  Object.fromEntries(
    readdirSync(join(folder, program)).map((name) => [
      name,
      readFileSync(join(folder, program, name), 'utf8'),
    ]),
  );

test('secrets are made once: what is kept is never changed, whatever .env says later', async () => {
  const [first, second] = await Promise.all([
    keepSecrets(system, folder, { POSTGRES_PASSWORD: 'from .env', ORDERS_PASSWORD: '' }),
    keepSecrets(system, folder, { POSTGRES_PASSWORD: 'from .env' }),
  ]);
  expect(first.kept).toEqual(second.kept);
  expect(first.kept.POSTGRES_PASSWORD).toBe('from .env');
  expect(new Set(Object.values(first.kept)).size).toBe(secretNames(system).length);
  const later = await keepSecrets(system, folder, {
    POSTGRES_PASSWORD: 'of npm start',
    CDC_PASSWORD: first.kept.CDC_PASSWORD,
  });
  expect(later).toEqual({ kept: first.kept, ignored: ['POSTGRES_PASSWORD'] });
  expect(await readKept(system, folder)).toEqual(first.kept);
  expect(statSync(join(folder, 'kept')).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'kept/CDC_PASSWORD')).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'kept')).sort()).toEqual([...secretNames(system)].sort());
});

test('the kit knows the same former names', () => {
  expect(formerSecrets).toEqual(formerVariables);
});

test.each(Object.entries(formerSecrets))(
  'what is kept or given as %s is kept as %s',
  async (former, name) => {
    expect((await keepSecrets(system, folder, { [former]: 'given' })).kept).toMatchObject({
      [name]: 'given',
    });
    rmSync(join(folder, 'kept', name));
    writeFileSync(join(folder, 'kept', former), 'kept by an earlier release');
    const { kept, ignored } = await keepSecrets(system, folder, { [former]: 'given' });
    expect(kept).toMatchObject({ [name]: 'kept by an earlier release' });
    expect(ignored).toEqual([name]);
    expect(readdirSync(join(folder, 'kept')).sort()).toEqual([...secretNames(system)].sort());
    expect(Object.keys(withoutSecrets(system, { [former]: 'given' }))).toEqual([]);
    const console = settingsFor(
      system,
      'console',
      completeSettings(system, { ...all, [name]: undefined, [former]: 'given' }),
    );
    expect([console[name], console[former]]).toEqual(['given', undefined]);
  },
);

test.each(['a"b', 'a\\b', 'a@b', 'a&b', 'é', 'a\nb'])(
  'Connect’s password %j is refused in one line, and nothing is made',
  async (password) => {
    await expect(keepSecrets(system, folder, { CONNECT_KAFKA_PASSWORD: password })).rejects.toThrow(
      /^CONNECT_KAFKA_PASSWORD has a sign that .* cannot take: use ASCII without ", \\, @ and &\.$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  },
);

test('any other password of Connect’s is taken, and so are these of others', async () => {
  const given = { CONNECT_KAFKA_PASSWORD: "aZ09 !#$%'()*+,-./:;<=>?[]^_`{|}~", CDC_PASSWORD: '"\\@&é' };
  expect((await keepSecrets(system, folder, given)).kept).toMatchObject(given);
});

test('before they are made, one line says what makes them', async () => {
  await expect(readKept(system, folder)).rejects.toThrow(
    'There are no passwords yet; `docker compose up --wait` makes them.',
  );
});

test('each program finds its own in its folder, and what it had elsewhere is taken away', async () => {
  const { kept } = await keepSecrets(system, folder, {
    ...all,
    REGISTRY_PASSWORD: 'a\\b é',
    POSTGRES_PASSWORD: 'a:b\\c',
  });
  // Those that run here have a folder.
  for (const program of ['watcher', 'principals', ...Object.keys(programSecrets(system))])
    mkdirSync(join(folder, program));
  await shareSecrets(system, folder, kept, true);
  expect(read('order')).toEqual({
    ORDERS_PASSWORD: all['ORDERS_PASSWORD'],
    KAFKA_PASSWORD: all['ORDER_KAFKA_PASSWORD'],
    SCHEMA_REGISTRY_PASSWORD: all['REGISTRY_READER_PASSWORD'],
  });
  expect(Object.keys(read('connect')).sort()).toEqual([
    'CDC_PASSWORD',
    'CONNECT_ADMIN_SASL_JAAS_CONFIG',
    'CONNECT_CONSUMER_SASL_JAAS_CONFIG',
    'CONNECT_PRODUCER_SASL_JAAS_CONFIG',
    'CONNECT_SASL_JAAS_CONFIG',
  ]);
  await shareSecrets(system, folder, kept, false);
  expect(read('order')).toEqual({ ORDERS_PASSWORD: all['ORDERS_PASSWORD'] });
  expect([read('watcher'), read('principals')]).toEqual([{}, {}]);
  expect(read('connect')).toEqual({ CDC_PASSWORD: all['CDC_PASSWORD'] });
  expect(read('postgres')).toEqual({ POSTGRES_PASSWORD: 'a:b\\c', pgpass: '*:*:*:postgres:a\\:b\\\\c\n' });
  expect(statSync(join(folder, 'postgres/pgpass')).mode & 0o777).toBe(0o600);
  expect(read('registry')['registry.properties']).toContain('apicurio.datasource.password=a\\\\b \\u00e9\n');
  for (const [program, secrets] of Object.entries(programSecrets(system))) {
    const given = secretsIn(Object.values(read(program)).join('\n'));
    const wanted = Object.values(secrets).filter(
      (name) => name !== 'POSTGRES_PASSWORD' && name !== 'REGISTRY_PASSWORD',
    );
    expect([program, [...new Set(given)]]).toEqual([program, wanted.sort()]);
  }
});

test('Connect’s image prints no variable that it is given as a secret', async () => {
  const { kept } = await keepSecrets(system, folder, {});
  mkdirSync(join(folder, 'connect'));
  await shareSecrets(system, folder, kept, true);
  const secure = readFileSync(join(root, 'compose/secure.yaml'), 'utf8');
  const hidden = /^ {6}SENSITIVE_PROPERTIES: (\S+)$/m.exec(secure)?.[1]?.split(',');
  // It prints those whose names begin so.
  const printable = Object.keys(read('connect')).filter((name) => name.startsWith('CONNECT_'));
  expect(printable).toHaveLength(4);
  expect(hidden).toEqual(expect.arrayContaining(printable));
});
