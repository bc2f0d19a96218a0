import { randomUUID } from 'node:crypto';
import avro from 'avsc';
import { readerOf } from '../collect.ts';
import type { Evidence, OutboxRow, Planted, Topic, TopicRecord } from '../evidence.ts';
import { flows, PLANTED, topics } from '../evidence.ts';

/** The same evidence, writable, for a test to damage. */
export type Damaged = { -readonly [K in keyof Evidence]: Mutable<Evidence[K]> };
type Mutable<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : T extends Buffer
      ? T
      : T extends readonly [unknown, unknown]
        ? T
        : T extends readonly (infer E)[]
          ? Mutable<E>[]
          : T extends object
            ? { -readonly [K in keyof T]: Mutable<T[K]> }
            : T;

const schemaOf = (name: string) =>
  JSON.stringify({ type: 'record', name, fields: [{ name: 'orderId', type: 'string' }] });
const types = [
  'walpost.orders.OrderCreated',
  'walpost.orders.OrderConfirmed',
  'walpost.orders.OrderCancelled',
  'walpost.payments.PaymentAuthorized',
  'walpost.payments.PaymentDeclined',
  'walpost.inventory.StockReserved',
  'walpost.inventory.StockReleased',
];
const mails = {
  OrderCreated: 'order-received',
  OrderConfirmed: 'order-confirmed',
  OrderCancelled: 'order-cancelled',
};

/** Ids of the two orders: one was confirmed, one declined and cancelled. */
export const CONFIRMED = '00000000-0000-7000-8000-000000000001';
export const CANCELLED = '00000000-0000-7000-8000-000000000002';

/** An idle system in which every promise holds, with one planted record that everybody has set aside. */
export function healthy(): Damaged {
  const at = 1_700_000_000_000;
  const items = [{ sku: 'BOOK-1', quantity: 2, unitPrice: 500 }];
  const histories: [Topic, string, string[]][] = [
    ['order-events', CONFIRMED, ['walpost.orders.OrderCreated', 'walpost.orders.OrderConfirmed']],
    ['order-events', CANCELLED, ['walpost.orders.OrderCreated', 'walpost.orders.OrderCancelled']],
    ['payment-events', CONFIRMED, ['walpost.payments.PaymentAuthorized']],
    ['payment-events', CANCELLED, ['walpost.payments.PaymentDeclined']],
    ['inventory-events', CONFIRMED, ['walpost.inventory.StockReserved']],
    ['inventory-events', CANCELLED, ['walpost.inventory.StockReserved', 'walpost.inventory.StockReleased']],
  ];
  const outbox: Damaged['outbox'] = { 'order-events': [], 'payment-events': [], 'inventory-events': [] };
  for (const [topic, key, names] of histories)
    names.forEach((type, index) => {
      outbox[topic].push(row(key, index + 1, type, at + index));
    });
  const records = Object.fromEntries(
    topics.map((topic) => [topic, outbox[topic].map((each, index) => recordOf(each, index))]),
  ) as Damaged['records'];
  const inbox: Damaged['inbox'] = { order: [], payment: [], inventory: [], notification: [] };
  for (const topic of topics)
    for (const service of flows[topic].to)
      inbox[service].push(
        ...outbox[topic].map(({ id, key, version }) => ({ id, topic, key, version, at: at + version })),
      );

  const planted: Planted = { id: randomUUID(), kind: 'truncated', topic: 'order-events', key: 'other', at };
  records['order-events'].push({
    partition: 0,
    offset: 99n,
    at,
    key: Buffer.from('other'),
    value: Buffer.from([0]),
    headers: { [PLANTED]: planted.id },
  });
  const deadLetter = () => ({
    id: 1,
    state: 'dead',
    topic: 'order-events',
    key: 'other',
    headers: [[PLANTED, planted.id]] as [string, string][],
    code: 'truncated',
    message: 'too short',
    at,
  });
  const order = (id: string, status: string, payment: string) => ({
    id,
    customer: 'ada',
    currency: 'EUR',
    items,
    total: 1_000,
    status,
    payment,
    stock: 'YES',
    reason: status === 'CANCELLED' ? 'payment declined' : null,
    version: 2,
    key: `key of ${id}`,
    at,
  });
  const asked = (id: string) => ({
    key: `key of ${id}`,
    customerId: 'ada',
    currency: 'EUR',
    items,
    tries: [{ at, answer: '201' }],
    ids: [id],
  });
  const pay = (id: string, status: string) => ({
    id: randomUUID(),
    order: id,
    amount: 1_000,
    currency: 'EUR',
    status,
    reason: null,
    at,
  });
  const reservation = (id: string, status: string) => ({ order: id, sku: 'BOOK-1', quantity: 2, status, at });
  return {
    asks: [CONFIRMED, CANCELLED].map(asked),
    planted: [planted],
    attempts: [{ what: 'an outbox row of 2 MB', expected: '23514', answered: '23514' }],
    stalls: [
      {
        asks: [asked(CONFIRMED)],
        slowest: { order: 900, payment: 3, inventory: 3, notification: 3 },
        logged: { order: 20_000, payment: 300, inventory: 300, notification: 300 },
      },
    ],
    repeats: false,
    orders: [order(CONFIRMED, 'CONFIRMED', 'YES'), order(CANCELLED, 'CANCELLED', 'NO')],
    payments: [pay(CONFIRMED, 'AUTHORIZED'), pay(CANCELLED, 'DECLINED')],
    reservations: [reservation(CONFIRMED, 'RESERVED'), reservation(CANCELLED, 'RELEASED')],
    stock: {
      before: [{ sku: 'BOOK-1', onHand: 10, reserved: 0 }],
      after: [{ sku: 'BOOK-1', onHand: 8, reserved: 2 }],
    },
    emails: outbox['order-events'].map(({ id, key, type }) => ({
      id,
      order: key,
      kind: mails[type.split('.')[2] as keyof typeof mails],
      status: 'SENT',
      at,
    })),
    outbox,
    inbox,
    deadLetters: {
      order: [],
      payment: [deadLetter()],
      inventory: [deadLetter()],
      notification: [deadLetter()],
    },
    records,
    schemas: new Map(types.map((name, index) => [index + 1, readerOf(schemaOf(name))])),
  };
}

/** An outbox row whose payload is in the wire format. */
export function row(key: string, version: number, type: string, at: number): OutboxRow {
  const head = Buffer.alloc(5);
  head.writeInt32BE(types.indexOf(type) + 1, 1);
  const body = avro.Type.forSchema(JSON.parse(schemaOf(type))).toBuffer({ orderId: key });
  return { id: randomUUID(), key, version, type, payload: Buffer.concat([head, body]), at };
}

/** The record that a relay makes of a row. */
export function recordOf({ id, key, version, type, payload, at }: OutboxRow, offset: number): TopicRecord {
  const headers = { ce_id: id, ce_type: type, ce_subject: key, aggregateversion: String(version) };
  return { partition: 1, offset: BigInt(offset), at, key: Buffer.from(key), value: payload, headers };
}
