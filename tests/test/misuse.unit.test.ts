import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What must not compile, and what the compiler has to name. */
const MISUSES: [what: string, body: string, named: RegExp][] = [
  [
    'a forgotten event',
    `await runService(system, 'notification', () => ({ on: { OrderCreated: ignore, OrderCancelled: ignore } }));`,
    /Property 'OrderConfirmed' is missing/,
  ],
  [
    "another service's event",
    `await runService(system, 'payment', ({ publish }) => ({
      on: { OrderCreated: (tx, [event]) => publish(tx, { type: 'OrderCancelled', key: 'k', version: 1, data: { orderId: 'o', reason: 'r', cancelledAt: 1 } as never }), OrderConfirmed: ignore, OrderCancelled: ignore },
    }));`,
    /"OrderCancelled"' is not assignable to type '"PaymentAuthorized" \| "PaymentDeclined" \| "PaymentRefunded"'/,
  ],
  [
    'an unknown service',
    `await runService(system, 'shipment', () => ({ on: {} }));`,
    /'"shipment"' is not assignable to parameter of type '"inventory" \| "notification" \| "order" \| "payment"'/,
  ],
  [
    'a missing field',
    `await runService(system, 'inventory', ({ publish }) => ({
      on: { OrderCreated: (tx) => publish(tx, { type: 'StockRejected', key: 'k', version: 1, data: { orderId: 'o' } }), OrderConfirmed: ignore, OrderCancelled: ignore },
    }));`,
    /missing the following properties from type 'StockRejected': sku, reason/,
  ],
  [
    '`on` without `consumes`',
    `const alone = defineConfig({ name: 'alone', contract, services: { shop: { port: 1, publishes: 'order-events' } } });
    await runService(alone, 'shop', () => ({ on: { OrderCreated: ignore } }));`,
    /is not assignable to type '"it consumes nothing, says walpost.config.ts"'/,
  ],
  [
    'a misspelt topic',
    `defineConfig({ name: 'misspelt', contract, services: { shop: { port: 1, publishes: 'orders-events' } } });`,
    /'"orders-events"' is not assignable to type .*"order-events"/,
  ],
];

let folder: string;
let said: string;
beforeAll(() => {
  folder = mkdtempSync(join(root, 'dist/misuse-'));
  for (const [at, [, body]] of MISUSES.entries())
    writeFileSync(
      join(folder, `misuse-${at}.ts`),
      `import { defineConfig, ignore, runService } from '@walpost/kit';
import { contract } from '../../schemas/contract.generated.ts';
import system from '../../walpost.config.ts';
export const used = [defineConfig, ignore, runService, contract, system];
${body}
`,
    );
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }),
  );
  try {
    said = execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
  } catch (error) {
    said = String(Object(error).stdout);
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test.each(MISUSES.map(([what, , named], at) => [what, at, named] as const))(
  '%s does not compile, and is named',
  (_what, at, named) => {
    const lines = said.split(/\n(?=\S)/).filter((line) => line.includes(`misuse-${at}.ts`));
    expect(lines.join('\n')).toMatch(named);
  },
);
