import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { connectTo, endOf, eventually, placeOrder, SAMPLE_ORDER } from 'walpost/testing/support';
import { stack } from './stack.ts';

/** Traces until the conclusion is as expected. @returns all that was printed */
async function traceUntil(id: string, conclusion: RegExp): Promise<string> {
  let last = '';
  try {
    return await eventually(async () => {
      const { stdout, stderr } = await stack.walpost('trace', id);
      last = stdout + stderr;
      return conclusion.test(last) ? last : undefined;
    });
  } catch (error) {
    throw new Error(`never ${conclusion}, but:\n${last}`, { cause: error });
  }
}

/** The commands that a conclusion offers. */
function offered(text: string): string[] {
  return [...text.matchAll(/^ {2}try: npx walpost (.*)$/gm)].map(([, command]) => command ?? '');
}

test('a finished order: row, outbox, slot, topic, consumers, replies, e-mails', async () => {
  const { id } = await placeOrder(stack.env);
  await endOf(stack.env, id);
  const text = await traceUntil(id, /^finished: everything/m);
  const inOrder = [
    /order row written/,
    /OrderCreated v1 written into the outbox/,
    /slot order_outbox +read from the log, which is confirmed up to [0-9A-F]+\/[0-9A-F]+ by now/,
    /order-events\/\d@\d+ +OrderCreated in the topic/,
    /payment-service +OrderCreated handled once/,
    /PaymentAuthorized v1 written into the outbox/,
    /payment-events\/\d@\d+/,
    /order-service +PaymentAuthorized handled once/,
    /notification-service +OrderConfirmed handled once/,
  ];
  const places = inOrder.map((line) => text.search(line));
  expect({ text, places }).toEqual({ text, places: [...places].sort((a, b) => a - b) });
  expect(places[0]).toBeGreaterThan(0);
  for (const line of [
    /payment AUTHORIZED/,
    /stock RESERVED/,
    /e-mail order-confirmed SENT/,
    /order CONFIRMED/,
  ])
    expect(text).toMatch(line);
  expect(text).toMatch(/^trace [0-9a-f]{32}$/m);

  const json = await stack.walpost('trace', id, '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({
    key: id,
    verdict: { state: 'finished' },
    problems: [],
  });
});

test('keys that nobody knows', async () => {
  for (const key of [randomUUID(), 'parcel 42'])
    expect(await stack.walpost('trace', key)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `walpost: no database knows the key ${key}\n`,
    });
});

// A person who has never seen the system finds the cause with one command, and the next one is printed.
test('stuck behind a service that is not running: trace, groups describe', async () => {
  await stack.stop('payment');
  const { id } = await placeOrder(stack.env);
  const text = await traceUntil(id, /^stuck at payment-service since .* its group has no member/m);
  expect(offered(text)).toEqual(['groups describe payment-service']);
  const group = await stack.walpost('groups', 'describe', 'payment-service');
  expect(group.stdout).toMatch(/^payment-service: Empty, members: 0/);

  await stack.start('payment');
  await traceUntil(id, /^finished/m);
});

test('stuck behind a connector that is paused: trace, connectors resume', async () => {
  await stack.walpost('connectors', 'pause', 'order-outbox');
  const { id } = await placeOrder(stack.env);
  const text = await traceUntil(id, /^stuck at connector order-outbox .* is PAUSED$/m);
  expect(offered(text)).toContain('connectors resume order-outbox');
  await stack.walpost('connectors', 'resume', 'order-outbox');
  await traceUntil(id, /^finished/m);
});

test('stuck at a dead letter: trace, dead-letters show, fix, replay', async () => {
  const sql = connectTo(stack.env, 'payments');
  await sql`alter table payments add constraint broken check (customer_id <> 'poison') not valid`;
  const { id } = await placeOrder(stack.env, { ...SAMPLE_ORDER, customerId: 'poison' });
  const text = await traceUntil(id, /^stuck at payment-service .* OrderCreated is dead letter \d+: /m);
  const [show = '', replay = ''] = offered(text);
  expect((await stack.walpost(...show.split(' '))).stdout).toContain('broken');
  await sql`alter table payments drop constraint broken`;
  await sql.end();
  expect((await stack.walpost(...replay.split(' '))).code).toBe(0);
  await traceUntil(id, /^finished/m);
});

test('with Kafka and Connect away the databases still show their part', async () => {
  const { id } = await placeOrder(stack.env);
  await endOf(stack.env, id);
  await stack.stop('connect');
  await stack.stop('kafka');
  const text = await traceUntil(id, /payment AUTHORIZED/);
  expect(text).toMatch(/^not asked: Kafka at .*/m);
  expect(text).toMatch(/^not asked: connectors: Kafka Connect at .* does not answer: connect ECONNREFUSED /m);
  expect(text).toMatch(/PaymentAuthorized handled once/);
});
