import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineConfig } from '@walpost/kit/config';
import { parse } from 'yaml';
import { contract } from '../../../../schemas/contract.generated.ts';
import { putFiles } from '../../generated-file.ts';
import { root } from '../../stack/paths.ts';
import { programSecrets, secretNames } from '../../stack/secrets.ts';
import { composeFileIn, projectFiles } from '../compose-files.ts';

interface Service {
  image: string;
  build?: { target: string };
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, unknown>;
}
interface Compose {
  name: string;
  services: Record<string, Service>;
  volumes: Record<string, null>;
  secrets: Record<string, unknown>;
}

const define = (more: { mail?: true } = {}) =>
  defineConfig({
    name: 'parcels',
    contract,
    services: {
      'parcel-shop': {
        port: 4000,
        publishes: 'order-events',
        sample: { path: '/parcels', body: () => ({}) },
      },
      tracking: { port: 4001, consumes: ['order-events'], database: 'tracks' },
    },
    ...more,
  });
const system = define();
const files = projectFiles(system);
const composeOf = (of: Readonly<Record<string, string>>) =>
  parse(of['compose.yaml'] ?? '', { merge: true }) as Compose;
const { name, services, volumes } = composeOf(files);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-compose-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a project has its services, and all that they run on', () => {
  expect(name).toBe('parcels');
  expect(Object.keys(services).sort()).toEqual(
    [
      ...['postgres', 'kafka', 'connect', 'registry', 'migrate-registry', 'secrets'],
      ...['parcel-shop', 'tracking', 'migrate-parcel-shop', 'migrate-tracking'],
      ...['register-topics', 'register-schemas', 'register-connectors', 'watcher', 'console', 'walpost'],
    ].sort(),
  );
  expect(Object.keys(composeOf(projectFiles(define({ mail: true }))).services)).toContain('mail');
});

test('a service runs its program, listens where it says, and waits for its own database', () => {
  expect(services['parcel-shop']).toMatchObject({
    image: 'parcels-services',
    build: { target: 'services' },
    command: ['services/parcel-shop/main.ts'],
    environment: { PARCEL_SHOP_PORT: 4000, KAFKA_BROKERS: 'kafka:9092' },
    ports: ['127.0.0.1:$' + '{PARCEL_SHOP_PORT:-4000}:4000'],
    depends_on: { 'migrate-parcel-shop': {}, 'register-topics': {} },
  });
  expect(services['tracking']?.build).toBeUndefined();
  const waits = Object.keys(services['register-connectors']?.depends_on ?? {});
  expect(waits.filter((each) => each.startsWith('migrate-'))).toEqual(['migrate-parcel-shop']);
  expect(services['console']?.environment).toMatchObject({ PARCEL_SHOP_URL: 'http://parcel-shop:4000' });
  expect(services['console']?.environment).not.toHaveProperty('TRACKING_URL');
  expect(services['walpost']?.environment).toMatchObject({ TRACKING_URL: 'http://tracking:4001' });
});

test('each program mounts its own secrets, which all are made', () => {
  const having = Object.keys(programSecrets(system)).filter((program) => !program.endsWith('standby'));
  const mounted = Object.entries(services).flatMap(([program, { volumes: mounts = [] }]) =>
    mounts.flatMap((mount) => (mount.endsWith(':/run/secrets:ro') ? [[program, mount.split(':')[0]]] : [])),
  );
  expect(mounted.sort()).toEqual(having.map((program) => [program, `secrets-${program}`]).sort());
  const made = services['secrets']?.volumes?.filter((mount) => mount !== 'secrets:/secrets/kept');
  expect(made?.sort()).toEqual(having.map((program) => `secrets-${program}:/secrets/${program}`).sort());
  expect(Object.keys(services['secrets']?.environment ?? {})).toEqual(
    expect.arrayContaining(secretNames(system)),
  );
});

test('whatever it names is there: services, volumes, mounted files, images', () => {
  for (const [service, { image, volumes: mounts = [], depends_on: needs = {} }] of Object.entries(services)) {
    for (const needed of Object.keys(needs))
      expect([service, services]).toEqual([
        service,
        expect.objectContaining({ [needed]: expect.anything() }),
      ]);
    for (const source of mounts.map((mount) => mount.split(':')[0] ?? ''))
      expect([
        service,
        source,
        source.startsWith('./') ? source.slice(2) in files : source in volumes,
      ]).toEqual([service, source, true]);
    const built = Object.values(services).some((each) => each.image === image && each.build);
    expect([service, built || /^\$\{\w+_IMAGE:-[\w./-]+:[\w.-]+\}$/.test(image)]).toEqual([service, true]);
  }
  for (const [file, text] of Object.entries(files))
    expect([file, text.match(/__[a-z]\w*?__|^#(if|each|end)\b/gm)]).toEqual([file, null]);
});

test('nothing listens beyond the loopback address', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  expect(ports).toHaveLength(8);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

test('the files are written once, and are stale when they are touched', () => {
  expect(composeFileIn(folder)).toBe('missing');
  const before = process.umask(0o077);
  try {
    expect(putFiles(folder, files)).toEqual(Object.keys(files));
  } finally {
    process.umask(before);
  }
  expect(composeFileIn(folder)).toBe('ours');
  expect(putFiles(folder, files, true)).toEqual([]);
  // Containers run as others than who made the files.
  const modes = Object.keys(files).map((file) => [file, statSync(join(folder, file)).mode & 0o777]);
  expect(modes).toEqual(Object.keys(files).map((file) => [file, file.endsWith('.sh') ? 0o755 : 0o644]));
  const path = join(folder, 'compose.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace('4001', '4002'));
  expect(putFiles(folder, files, true)).toEqual(['compose.yaml']);
});

test.each(['compose.yaml', 'compose.yml', 'docker-compose.yml'])(
  'a %s of the project’s own is known',
  (file) => {
    writeFileSync(join(folder, file), 'services: {}\n');
    expect(composeFileIn(folder)).toBe('own');
  },
);

test('walpost compose leaves a compose file alone that it has not written', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, 'packages/walpost/walpost.mjs'), 'compose'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/^walpost: this project has a compose file of its own, .*\n$/),
  ]);
});
