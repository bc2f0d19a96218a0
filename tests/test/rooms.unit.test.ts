import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * What each room may import of this repository beside itself: rooms, or single files of one. A package's own folder is a
 * room too, of what lies in it and in no folder below. Each row refers to rows above it only, so there is no circle. `tests`,
 * and of `lab` what is not named here, may import anything.
 */
const ROOMS: Record<string, readonly string[]> = {
  'packages/kit/contract': [],
  // The shop's contract: whoever knows orders imports it.
  schemas: ['packages/kit/contract'],
  'packages/kit': ['packages/kit/contract'],
  'walpost.config': ['packages/kit', 'schemas'],
  'packages/kit/telemetry': ['packages/kit', 'packages/kit/contract'],
  'packages/kit/postgres': ['packages/kit', 'packages/kit/contract', 'packages/kit/telemetry'],
  'packages/kit/kafka': ['packages/kit', 'packages/kit/contract', 'packages/kit/telemetry'],
  'packages/kit/outbox': kit('contract', 'telemetry', 'postgres'),
  'packages/kit/consumer': kit('contract', 'telemetry', 'postgres', 'kafka'),
  'packages/kit/http': kit('contract', 'telemetry', 'postgres', 'outbox'),
  'packages/kit/service': kit('contract', 'telemetry', 'postgres', 'kafka', 'outbox', 'consumer', 'http'),
  'packages/walpost/observe': wholeKit(),
  'packages/walpost': [...wholeKit(), 'packages/walpost/observe'],
  'packages/walpost/connect': walpost(),
  'packages/walpost/dead-letters': walpost(),
  'packages/walpost/trace': walpost(),
  'packages/walpost/watcher': walpost('connect'),
  'packages/walpost/doctor': walpost('connect', 'trace'),
  // Runs the infrastructure, and starts the services as processes: it is in no image with them.
  'packages/walpost/stack': [
    ...[
      'config',
      'contract/http-access',
      'kafka/create-kafka',
      'postgres/open-driver',
      'postgres/server-of',
    ].map((file) => `packages/kit/${file}`),
    ...['cli-error', 'connect-worker', 'generated-file', 'host-access', 'program-of', 'project'].map(
      (file) => `packages/walpost/${file}`,
    ),
  ],
  'packages/walpost/compose': [
    'packages/kit/config',
    ...['host-access', 'program-of', 'stack/secrets'].map((file) => `packages/walpost/${file}`),
  ],
  'packages/walpost/export': [...walpost('connect'), 'packages/walpost/stack/secrets'],
  'packages/walpost/cli': walpost(
    ...['connect', 'dead-letters', 'trace', 'watcher', 'doctor', 'compose', 'export'],
  ),
  'packages/walpost/console': walpost('dead-letters', 'trace'),
  'packages/walpost/testing': [...wholeKit(), 'schemas', 'packages/walpost', 'packages/walpost/stack'],
  'services/order': [...wholeKit(), 'schemas', 'walpost.config'],
  'services/payment': [...wholeKit(), 'schemas', 'walpost.config'],
  'services/inventory': [...wholeKit(), 'schemas', 'walpost.config'],
  'services/notification': [...wholeKit(), 'schemas', 'walpost.config'],
  'compose/secure': [],
  // Checks the system, so it shares no code with it but what reads compressed batches.
  'lab/fuzz': ['packages/kit/kafka/codecs', 'packages/walpost/stack', ...testing()],
  'lab/faults': [
    ...['packages/kit/kafka/codecs', 'packages/walpost/project', 'packages/walpost/stack'],
    ...testing(),
  ],
};

/** Libraries that have one room, so that whoever must replace one changes that room. */
const LIBRARIES: readonly [RegExp, string][] = [
  [/^kafkajs$/, 'packages/kit/kafka'],
  [/^(postgres|drizzle-orm\/postgres-js)(\/|$)/, 'packages/kit/postgres'],
  [/^(@opentelemetry\/(?!api$)|pino$)/, 'packages/kit/telemetry'],
  [/^(avsc|@kafkajs\/confluent-schema-registry)$/, 'packages/kit/contract'],
];
/** Where they may be imported besides: what proves and compares. */
const FREE = /^(lab|tests|compose)\//;

function kit(...rooms: string[]): string[] {
  return ['packages/kit', ...rooms.map((room) => `packages/kit/${room}`)];
}
function wholeKit(): string[] {
  return kit('contract', 'telemetry', 'postgres', 'kafka', 'outbox', 'consumer', 'http', 'service');
}
function walpost(...rooms: string[]): string[] {
  const below = ['packages/walpost/observe', 'packages/walpost'];
  return [...wholeKit(), ...below, ...rooms.map((room) => `packages/walpost/${room}`)];
}
function testing(): string[] {
  return ['test-stack', 'eventually', 'link', 'raw-http'].map((file) => `packages/walpost/testing/${file}`);
}

/** The room of a file: the longest of its folders that is one. A package's own folder holds only what lies in it. */
function roomOf(file: string): string | undefined {
  const folders = Object.keys(ROOMS).filter((room) => file === room || file.startsWith(`${room}/`));
  const room = folders.sort((one, other) => other.length - one.length)[0];
  return room && /^packages\/\w+$/.test(room) && dirname(file) !== room ? undefined : room;
}

/** @returns where in this repository an import leads, without an ending; nothing for a library or Node's own modules */
function target(file: string, specifier: string): string | undefined {
  const [, name = '', path = ''] = /^(walpost|@walpost\/[\w-]+)\/?(.*)$/.exec(specifier) ?? [];
  const folders: Record<string, string> = { walpost: 'packages/walpost', '@walpost/kit': 'packages/kit' };
  // What a service imports is in one file.
  if (specifier === '@walpost/kit') return 'packages/kit/service/index';
  if (name) return join(folders[name] ?? 'lab', path);
  return specifier.startsWith('.')
    ? normalize(join(dirname(file), specifier)).replace(/\.tsx?$/, '')
    : undefined;
}

function specifiers(text: string): string[] {
  const found = text.matchAll(/\bfrom '([^']+)'|\bimport\(\s*'([^']+)'|^import '([^']+)'/gm);
  return [...found].map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? '');
}

/** The imports of a file that its room may not have, with the reason. */
function forbidden(file: string, text: string): string[] {
  const room = roomOf(file);
  if (!room) return FREE.test(file) ? [] : [`${file} is in no room: give its folder a row`];
  return specifiers(text).flatMap((specifier) => {
    const home = LIBRARIES.find(([library]) => library.test(specifier))?.[1];
    if (home && home !== room && !FREE.test(file)) return [`${file}: ${specifier} belongs to ${home}`];
    const led = target(file, specifier);
    if (led === undefined) return [];
    const other = roomOf(led);
    const may = other === room || ROOMS[room]?.some((each) => each === other || each === led);
    return may ? [] : [`${file}: ${room} may not import ${led}`];
  });
}

const sources = ['schemas', 'packages', 'services', 'compose', 'lab'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => /\.tsx?$/.test(name) && !/\/(test|dist|node_modules|template)\/|\.d\.ts$/.test(name)),
);

test('no room imports one that is not below it, and each library is in one', () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(sources.flatMap((file) => forbidden(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

/** The packages that a file imports and its own package does not declare. */
function undeclared(file: string, text: string): string[] {
  // The shop's own are the repository's.
  const [folder = '.'] = /^(lab|(packages|compose)\/\w+)/.exec(file) ?? [];
  const { name, dependencies, devDependencies, peerDependencies } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  ) as { name: string } & Record<'dependencies' | 'devDependencies' | 'peerDependencies', object | undefined>;
  const declared = [name, ...Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })];
  return specifiers(text)
    .flatMap((each) => /^(?!node:)(@[^/]+\/)?[^./][^/]*/.exec(each)?.[0] ?? [])
    .filter((each) => !declared.includes(each))
    .map((each) => `${file}: ${folder}/package.json does not have ${each}`);
}

test('a package declares what it imports', () => {
  const packaged = sources.filter((file) => !file.startsWith('schemas/'));
  expect(packaged.flatMap((file) => undeclared(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
  expect(undeclared('lab/bench/a.ts', "import { it } from '@walpost/secure/it';")).toEqual([
    'lab/bench/a.ts: lab/package.json does not have @walpost/secure',
  ]);
});

test('the rooms are in one order', () => {
  const above: string[] = [];
  for (const [room, imports] of Object.entries(ROOMS)) {
    const rooms = imports.map((each) => (each in ROOMS ? each : String(roomOf(each))));
    expect([room, rooms.filter((each) => !above.includes(each))]).toEqual([room, []]);
    above.push(room);
  }
});

test.each([
  ['packages/kit/contract/a.ts', '../errors.ts'],
  ['packages/kit/a.ts', './telemetry/logger.ts'],
  ['packages/kit/telemetry/a.ts', '../postgres/database.ts'],
  ['packages/kit/postgres/a.ts', '../kafka/requests.ts'],
  ['packages/kit/kafka/a.ts', '../postgres/database.ts'],
  ['packages/kit/outbox/a.ts', '@walpost/kit/kafka/requests'],
  ['packages/kit/consumer/a.ts', '../outbox/publish.ts'],
  ['packages/kit/http/a.ts', '../consumer/consumer.ts'],
  ['packages/kit/service/a.ts', 'walpost/observe/services'],
  ['packages/kit/http/a.ts', '../../../services/order/order.ts'],
  ['packages/kit/http/a.ts', '../../../lab/bench/run.ts'],
  ['packages/kit/new-room/a.ts', '../errors.ts'],
  ['packages/walpost/observe/a.ts', '../output.ts'],
  ['packages/walpost/trace/a.ts', '../cli/walpost.ts'],
  ['packages/walpost/console/a.ts', '../stack/stack.ts'],
  ['packages/walpost/doctor/a.ts', 'walpost/testing/test-stack'],
  ['packages/walpost/cli/a.ts', '../../../services/order/order.ts'],
  ['packages/walpost/stack/a.ts', '@walpost/kit/environment'],
  ['packages/walpost/testing/a.ts', '../../../services/order/order.ts'],
  ['services/order/a.ts', '../payment/payment.ts'],
  ['services/order/on-x.ts', 'walpost/observe/services'],
  ['services/order/a.ts', '../../lab/bench/run.ts'],
  ['compose/secure/a.ts', '@walpost/kit/environment'],
  ['lab/faults/a.ts', '@walpost/kit/consumer/consumer'],
  ['lab/faults/check/a.ts', '../../bench/run.ts'],
  ['lab/fuzz/a.ts', 'walpost/testing/support'],
  ['packages/kit/consumer/a.ts', 'kafkajs'],
  ['packages/kit/outbox/a.ts', 'postgres'],
  ['services/order/a.ts', 'drizzle-orm/postgres-js'],
  ['packages/kit/http/a.ts', '@opentelemetry/sdk-trace-node'],
  ['packages/walpost/cli/a.ts', 'pino'],
  ['packages/walpost/cli/a.ts', 'avsc'],
  ['packages/kit/kafka/a.ts', '@kafkajs/confluent-schema-registry'],
])('%s may not import %s', (file, specifier) => {
  for (const text of [
    `import { a } from '${specifier}';`,
    `await import('${specifier}')`,
    `import '${specifier}';`,
  ])
    expect(forbidden(file, text)).toHaveLength(1);
});
