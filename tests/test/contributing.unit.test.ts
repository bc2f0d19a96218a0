import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

// The shop is changed by the lines of CONTRIBUTING.md, and by no others.

const root = fileURLToPath(new URL('../..', import.meta.url));
const ROOMS = ['services', 'schemas', 'connectors', 'walpost.config.ts', 'package.json'];
let shop: string;
beforeEach(() => {
  // In the clone, so that packages are found.
  mkdirSync(join(root, 'dist'), { recursive: true });
  shop = mkdtempSync(join(root, 'dist/contributing-'));
  for (const room of ROOMS)
    cpSync(join(root, room), join(shop, room), {
      recursive: true,
      filter: (file) => !file.includes('/test'),
    });
  const include = ['walpost.config.ts', 'schemas', 'services'];
  write('tsconfig.json', JSON.stringify({ extends: '../../tsconfig.json', include, exclude: [] }));
});
afterEach(() => rmSync(shop, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(shop, file)), { recursive: true });
  writeFileSync(join(shop, file), text);
}

/** Puts a line behind the one that has a text in it. */
function addLine(file: string, behind: string, line: string): void {
  const before = readFileSync(join(shop, file), 'utf8').split('\n');
  const at = before.findIndex((each) => each.includes(behind));
  expect([file, at]).not.toEqual([file, -1]);
  write(file, before.toSpliced(at + 1, 0, line).join('\n'));
}

/** Runs a program in the shop. @returns what it printed, and its exit code */
function run(program: string, ...args: string[]): { status: number | null; said: string } {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, program), ...args], {
    cwd: shop,
    encoding: 'utf8',
    env,
  });
  return { status, said: stdout + stderr };
}
const generate = (...args: string[]) => run('packages/walpost/walpost.mjs', 'generate', ...args);
const compile = () => run('node_modules/typescript/bin/tsc', '-p', shop);

test('an event is one .avsc, and a handler in each service that reads the topic', () => {
  expect(compile()).toEqual({ status: 0, said: '' });
  const fields = [
    { name: 'orderId', type: 'string', doc: 'The order.' },
    { name: 'shippedAt', type: { type: 'long', logicalType: 'timestamp-millis' }, doc: 'When it left.' },
  ];
  const record = { type: 'record', name: 'OrderShipped', namespace: 'walpost.orders', doc: 'It left.' };
  write('schemas/order-events/OrderShipped.avsc', JSON.stringify({ ...record, fields }));
  expect(generate('--check')).toMatchObject({
    status: 1,
    said: expect.stringContaining('contract.generated.ts'),
  });
  expect(generate().said).toMatch(/wrote schemas\/contract\.generated\.ts/);

  const readers = ['inventory', 'payment', 'notification'];
  const { said } = compile();
  for (const reader of readers)
    expect(said).toMatch(new RegExp(`services/${reader}/.*\\n?.*'OrderShipped' is missing`));
  for (const reader of readers) {
    const file = `services/${reader}/on-order-event.ts`;
    addLine(file, 'OrderConfirmed: ', '    OrderShipped: async () => undefined,');
  }
  write(
    'services/order/ship-order.ts',
    `import type { ServiceBase, Tx } from '@walpost/kit';

export const shipOrder = (tx: Tx, publish: ServiceBase<'OrderShipped'>['publish'], orderId: string, version: number) =>
  publish(tx, { type: 'OrderShipped', key: orderId, version, data: { orderId, shippedAt: Date.now() } });
`,
  );
  expect(compile()).toEqual({ status: 0, said: '' });
  expect(generate('--check').status).toBe(0);
}, 120_000);

test('a consumer is one line, a main.ts and a migration', () => {
  addLine('walpost.config.ts', 'services: {', "    totals: { port: 3004, consumes: ['order-events'] },");
  cpSync(join(root, 'lab/example/services/totals'), join(shop, 'services/totals'), { recursive: true });
  generate();
  expect(compile()).toEqual({ status: 0, said: '' });
  expect(generate('--check')).toMatchObject({ status: 0 });
  // As if that service had published once.
  write('connectors/totals-outbox.json', '{}');
  expect(generate('--check')).toMatchObject({
    status: 1,
    said: expect.stringContaining('connectors/totals-outbox.json: no service of walpost.config.ts has this'),
  });
}, 120_000);
