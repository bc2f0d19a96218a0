import { randomUUID } from 'node:crypto';
import avro from 'avsc';
import type postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { eventually } from './eventually.ts';
import type { Ask } from './evidence.ts';
import type { Lab } from './lab.ts';

const TYPE = 'walpost.orders.OrderCreated';
const TIMEOUT_S = 180;
const ROWS = 20;

interface Placed {
  ask: Ask;
  id: string;
}

interface Encoder {
  schemaId: number;
  type: avro.Type;
}

/**
 * Places orders as a program with long transactions would: many rows in one statement, which share one place in the
 * write-ahead log, and transactions that begin before others and commit after them.
 *
 * @param midway called while the long transaction is open and others have committed
 * @returns the orders; one whose transaction was committed has its id, as if it had been answered
 */
export async function placeInBulk(lab: Lab, midway: () => Promise<void>): Promise<Ask[]> {
  const encoder = await eventually('the schema of OrderCreated', TIMEOUT_S, () => learnEncoder(lab));
  const sql = lab.databases.order;
  const asks: Ask[] = [];
  const insert = async (tx: postgres.TransactionSql) => {
    const orders = await insertOrders(tx, encoder, ROWS);
    asks.push(...orders.map(({ ask }) => ask));
    return orders;
  };
  /** Whether a commit arrived that was never answered is not known, and either is right. */
  const answered = (orders: readonly Placed[]) => {
    for (const { ask, id } of orders) ask.ids.push(id);
  };
  const short = async () => answered(await sql.begin(insert));
  try {
    const placed = await sql.begin(async (long) => {
      const first = await insert(long);
      await Promise.all([short(), short()]);
      const second = await insert(long);
      await midway();
      await short();
      return [...first, ...second, ...(await insert(long))];
    });
    answered(placed);
  } catch (error) {
    // Another fault has taken the database away.
    if (!(error instanceof Error)) throw error;
  }
  return asks;
}

async function learnEncoder({ databases, env }: Lab): Promise<Encoder | undefined> {
  const [row] = await databases.order<{ payload: Buffer }[]>`
    select payload from outbox where type = ${TYPE} limit 1`;
  if (!row) return undefined;
  const schemaId = row.payload.readInt32BE(1);
  const answer = await fetch(`${env['SCHEMA_REGISTRY_URL']}/schemas/ids/${schemaId}`);
  if (!answer.ok) throw new Error(`the registry answered ${answer.status}`);
  const { schema } = (await answer.json()) as { schema: string };
  return { schemaId, type: avro.Type.forSchema(JSON.parse(schema)) };
}

/** Two statements, each of many rows. */
async function insertOrders(
  tx: postgres.TransactionSql,
  { schemaId, type }: Encoder,
  count: number,
): Promise<Placed[]> {
  const at = Date.now();
  const orders = Array.from({ length: count }, (_, number) => {
    const ask: Ask = {
      key: `bulk-${randomUUID()}`,
      customerId: `bulk-${number}`,
      currency: 'EUR',
      items: [{ sku: 'PEN-1', quantity: 1, unitPrice: 100 + number }],
      tries: [{ at, answer: 'committed' }],
      ids: [],
    };
    return { ask, id: uuidv7(), total: 100 + number };
  });
  const created = new Date(at);
  await tx`insert into orders ${tx(
    orders.map(({ ask, id, total }) => ({
      id,
      customer_id: ask.customerId,
      currency: ask.currency,
      items: tx.json(ask.items.map((item) => ({ ...item }))),
      total_amount: total,
      status: 'PENDING',
      payment: 'PENDING',
      stock: 'PENDING',
      version: 1,
      created_at: created,
      idempotency_key: ask.key,
    })),
  )}`;
  await tx`insert into outbox ${tx(
    orders.map(({ ask, id, total }) => {
      const { customerId, currency, items } = ask;
      const data = { orderId: id, customerId, currency, items, totalAmount: total, createdAt: at };
      const head = Buffer.alloc(5);
      head.writeInt32BE(schemaId, 1);
      return {
        id: uuidv7(),
        aggregatetype: 'order',
        aggregateid: id,
        aggregateversion: 1,
        type: TYPE,
        payload: Buffer.concat([head, type.toBuffer(data)]),
        ce_source: '/walpost/order-service',
        traceparent: `00-${randomUUID().replaceAll('-', '')}-0af7651916cd43dd-01`,
        created_at: created,
      };
    }),
  )}`;
  return orders;
}
