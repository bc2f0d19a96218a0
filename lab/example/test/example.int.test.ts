import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { encode } from '@walpost/kit/contract/codec';
import { createRegistry } from '@walpost/kit/contract/registry';
import { v7 as uuidv7 } from 'uuid';
import { connectTo, eventually, kafkaOf, setting } from 'walpost/testing/support';
import { contract } from '../../../schemas/contract.generated.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const env = { ...process.env, TOTALS_PASSWORD: 'totals' } as Record<string, string>;

function run(...args: string[]) {
  return spawn(process.execPath, args, { cwd: `${root}/lab/example`, env, stdio: 'ignore' });
}

async function finish(...args: string[]): Promise<void> {
  const [code] = await once(run(...args), 'exit');
  expect([args, code]).toEqual([args, 0]);
}

test('the guide shows the program that is tested here', () => {
  const guide = readFileSync(`${root}/CONTRIBUTING.md`, 'utf8');
  const program = readFileSync(`${root}/lab/example/services/totals/main.ts`, 'utf8');
  expect(guide).toContain(`\`\`\`ts\n${program}\`\`\``);
});

test('the guide’s consumer adds up what customers ordered, each order once', async () => {
  await finish(`${root}/dist/cli/walpost.js`, 'topics', 'apply');
  await finish(`${root}/dist/cli/walpost.js`, 'migrate', 'totals');
  const type = contract.eventType('OrderConfirmed');
  const id = await createRegistry({ url: setting(env, 'SCHEMA_REGISTRY_URL') }).register(type);
  const producer = kafkaOf(env).producer({ idempotent: true, maxInFlightRequests: 1 });
  const sql = connectTo(env, 'totals');
  env['TOTALS_PORT'] = '0';
  const consumer = run(`${root}/dist/totals/main.js`);
  try {
    await producer.connect();
    const messages = ['ada', 'ada', 'bob'].map((customerId) => {
      const orderId = uuidv7();
      const data = { orderId, customerId, currency: 'EUR', totalAmount: 250, confirmedAt: 1 };
      return {
        key: orderId,
        value: encode(id, type, data),
        headers: { ce_id: uuidv7(), aggregateversion: '2' },
      };
    });
    await producer.send({ topic: 'order-events', messages: [...messages, ...messages] });
    const last = { ...messages[0], key: uuidv7(), headers: { ce_id: uuidv7(), aggregateversion: '1' } };
    await producer.send({
      topic: 'order-events',
      messages: [{ ...last, value: messages[2]?.value ?? null }],
    });
    const rows = await eventually(async () => {
      const found = await sql`select customer_id, orders::int, amount::int from totals order by customer_id`;
      return found.reduce((sum, row) => sum + row['orders'], 0) >= 4 ? found : undefined;
    });
    expect([...rows]).toEqual([
      { customer_id: 'ada', orders: 2, amount: 500 },
      { customer_id: 'bob', orders: 2, amount: 500 },
    ]);
    // The inbox has forgotten, and everything is sent again.
    await sql`truncate inbox`;
    await producer.send({ topic: 'order-events', messages });
    await eventually(async () => ((await sql`select from inbox`).length === 3 ? true : undefined));
    expect([
      ...(await sql`select customer_id, orders::int, amount::int from totals order by customer_id`),
    ]).toEqual([...rows]);
    expect(await sql`select from dead_letters`).toHaveLength(0);
  } finally {
    consumer.kill('SIGTERM');
    expect(await once(consumer, 'exit')).toEqual([0, null]);
    await producer.disconnect();
    await sql.end();
  }
});
