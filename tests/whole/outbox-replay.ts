import { expect, test } from '@jest/globals';
import { connectTo, endOf, eventually, kafkaOf, placeOrders, readTopic } from 'walpost/testing/support';
import { stack } from './stack.ts';

async function walpost(...args: string[]): Promise<{ code: number | null; text: string }> {
  const { code, stdout, stderr } = await stack.walpost('outbox', ...args);
  return { code, text: `${stdout}${stderr}` };
}

const now = () => ['--until', new Date().toISOString()];

async function count(database: string, query: string): Promise<number> {
  const sql = connectTo(stack.env, database);
  try {
    const [row] = await sql.unsafe(`select count(*)::int as n from ${query}`);
    return row?.['n'];
  } finally {
    await sql.end();
  }
}

test('a topic that was wiped is filled again from the outbox, and nothing happens twice', async () => {
  const handled = await placeOrders(stack.env, 20);
  for (const id of handled) await endOf(stack.env, id);
  const agreed = await eventually(async () => {
    const audit = await walpost('audit', ...now());
    return audit.code === 0 ? audit.text : undefined;
  });
  expect(agreed).toMatch(/^80 events: outboxes, topics and inboxes agree/);

  // Nobody reads while more come in, and then the topic loses everything, as a disk would.
  for (const name of ['payment', 'inventory', 'notification']) await stack.stop(name);
  const waiting = await placeOrders(stack.env, 10);
  await eventually(async () =>
    (await readTopic(stack.env, 'order-events')).length === 50 ? true : undefined,
  );
  const admin = kafkaOf(stack.env).admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets('order-events');
  await admin.deleteTopicRecords({
    topic: 'order-events',
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  });
  await admin.disconnect();
  for (const name of ['payment', 'inventory', 'notification']) await stack.start(name);

  const audit = await walpost('audit', ...now());
  expect(audit.code).toBe(1);
  expect(audit.text).toContain('not on the topic');
  expect(audit.text).toMatch(/80 differences in 90 events/);

  const dry = await walpost('replay', ...now());
  expect([dry.code, dry.text]).toEqual([0, expect.stringContaining('dry run')]);
  expect(await count('payments', 'payments')).toBe(20);
  const before = await count('orders', 'outbox');
  const done = await walpost('replay', '--yes', ...now());
  expect(done.text).toMatch(/^50 events published again/);
  for (const id of waiting) expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');

  await eventually(async () => ((await walpost('audit', ...now())).code === 0 ? true : undefined), 120, {
    every: 1_000,
  });
  expect(await count('orders', 'outbox')).toBe(before + waiting.length);
  expect(await count('payments', 'payments')).toBe(30);
  expect(await count('notifications', 'emails')).toBe(60);
  const versions = (await readTopic(stack.env, 'order-events')).map(({ key, headers }) => [
    String(key),
    Number(headers?.['aggregateversion']),
  ]);
  expect(versions).toHaveLength(60);
  const seen = new Map<unknown, number>();
  for (const [key, version] of versions) {
    expect(version).toBe((seen.get(key) ?? 0) + 1);
    seen.set(key, Number(version));
  }
});
