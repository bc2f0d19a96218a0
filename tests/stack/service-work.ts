import { type Handlers, handleBatch } from '@walpost/kit/consumer/handle-batch';
import { noAttempts, processBatch } from '@walpost/kit/consumer/process-batch';
import { pruneInbox } from '@walpost/kit/consumer/prune-inbox';
import { replayRequestedDeadLetters } from '@walpost/kit/consumer/replay-dead-letters';
import type { Decoder } from '@walpost/kit/contract/codec';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { makePartitions, markPosition } from '@walpost/kit/outbox/outbox-maintenance';
import { followSchemaIds } from '@walpost/kit/outbox/schema-ids';
import type { Db } from '@walpost/kit/postgres/database';
import { readBacklog } from '@walpost/kit/service/backlog';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { received } from 'walpost/testing/received';
import { contract } from '../../schemas/contract.generated.ts';
import { onOrderEvent as onStockOrderEvent } from '../../services/inventory/on-order-event.ts';
import { claimEmails } from '../../services/notification/claim-emails.ts';
import { onOrderEvent as onEmailOrderEvent } from '../../services/notification/on-order-event.ts';
import { recordEmailOutcomes } from '../../services/notification/record-email-outcomes.ts';
import { renewEmails } from '../../services/notification/renew-emails.ts';
import { createCancelOrder } from '../../services/order/cancel-order.ts';
import { expireOrders } from '../../services/order/expire-orders.ts';
import { findOrder, listOrders } from '../../services/order/find-orders.ts';
import { onReply } from '../../services/order/on-reply.ts';
import { createPlaceOrder } from '../../services/order/place-order.ts';
import { claimPayments } from '../../services/payment/claim-payments.ts';
import { onOrderEvent as onPaymentOrderEvent } from '../../services/payment/on-order-event.ts';
import { recordPaymentOutcomes } from '../../services/payment/record-payment-outcomes.ts';
import type { TestService } from './database.ts';

const encode = createOutboxEncoder(contract, '/walpost/test', () => 1);
const clock = () => new Date();
const logger = createLogger('test', 'silent');
const money = { customerId: 'ada', currency: 'EUR', totalAmount: 1250 };
const items = [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }];

const created = (orderId: string): DomainEvent => ({
  type: 'OrderCreated',
  data: { ...money, orderId, items, createdAt: 0 },
});
const cancelled = (orderId: string): DomainEvent => ({
  type: 'OrderCancelled',
  data: { ...money, orderId, reason: 'because', cancelledAt: 0 },
});
const confirmed = (orderId: string): DomainEvent => ({
  type: 'OrderConfirmed',
  data: { ...money, orderId, confirmedAt: 0 },
});

/** Sends an event through consumer, inbox and handler, as the consumer does. @returns what became of it, as text */
async function handled(db: Db, handlers: Handlers, event: DomainEvent, version: number): Promise<string> {
  const {
    handled: done,
    deadLetters,
    anomalies,
  } = await handleBatch(db, handlers, [received(event, version)]);
  const odd = anomalies.map(({ kind }) => ` ${kind}`);
  return `${event.type}: ${done.length} handled, ${deadLetters.length} dead letters${odd.join('')}`;
}

/** A dead letter that is written, replayed and closed: the handler refuses its event once. */
async function deadLetterReplayed(db: Db): Promise<string> {
  const event = created(uuidv7());
  let refusals = 1;
  const on: Handlers = {
    OrderCreated: async () => {
      if (refusals-- > 0) throw new Error('refused');
    },
  };
  const record = received(event);
  // What a replay reads the record by.
  record.message.value = Buffer.alloc(1);
  record.message.headers = { ce_id: record.id, aggregateversion: String(record.version) };
  const states: string[] = [];
  await processBatch(db, on, [record], noAttempts(), (result) => {
    states.push(...result.deadLetters.map(({ state }) => state));
  });
  await db.execute(sql`update dead_letters set replay_requested_at = now() where identity = ${record.id}`);
  if ('error' in record.result) throw record.result.error;
  const { event: read } = record.result;
  const decoder = { decode: async () => event } as unknown as Decoder;
  await replayRequestedDeadLetters({ db, on, decoder, logger, failures: new Map() });
  const [deadLetter] = await db.execute<{ state: string }>(
    sql`select state from dead_letters where identity = ${read.id}`,
  );
  return `dead letter: ${states.join()} ${deadLetter?.state}`;
}

/** What every consumer does beside its handlers. */
async function consumerChores(db: Db): Promise<string[]> {
  const pruned = await pruneInbox(db, 14, new AbortController().signal);
  return [`pruned ${pruned}`, await deadLetterReplayed(db)];
}

/** What every service that publishes does beside. */
async function outboxChores(db: Db): Promise<string[]> {
  await makePartitions(db);
  await markPosition(db);
  const registry = { idOf: async () => 1 };
  const ids = followSchemaIds({ db, registry, events: [contract.eventType('OrderCreated')], logger });
  await ids.close();
  const [pending] = await db.execute<{ n: number }>(
    sql`select count(*)::int as n from observer.unconfirmed()`,
  );
  return [`pending of ${pending?.n} slots`];
}

/**
 * Everything that a service does with its database, once, through its own functions. What it answers is the same each
 * time, whatever was there before.
 */
export const serviceWork: Record<TestService, (db: Db) => Promise<string[]>> = {
  async orders(db) {
    const placeOrder = createPlaceOrder(db, encode, clock);
    const cancelOrder = createCancelOrder(db, encode, clock);
    const handlers = onReply(encode, clock);
    const customerId = uuidv7();
    const place = async (idempotencyKey?: string) => {
      const context = { idempotencyKey, traceparent: childTraceparent(undefined) };
      const result = await placeOrder({ customerId, currency: 'EUR', items }, context);
      if (result.outcome === 'key-reused') throw new Error('the same body');
      return { id: result.order.id, outcome: result.outcome };
    };
    const key = uuidv7();
    const [first, again, second] = [await place(key), await place(key), await place()];
    const paid = { paymentId: uuidv7(), amount: 1250, currency: 'EUR', authorizedAt: 1 };
    const replies = [
      await handled(db, handlers, { type: 'PaymentAuthorized', data: { ...paid, orderId: first.id } }, 1),
      await handled(
        db,
        handlers,
        { type: 'StockReserved', data: { orderId: first.id, items: [], reservedAt: 1 } },
        1,
      ),
    ];
    const end = await findOrder(db, first.id);
    const ended = await cancelOrder(second.id, childTraceparent(undefined));
    const page = await listOrders(db, customerId, 10, undefined);
    await place();
    const now = new Date(Date.now() + 1_000);
    const expired = await expireOrders(db, encode, now, now);
    return [
      `${first.outcome} ${again.outcome} ${second.outcome}`,
      ...replies,
      `${end?.status} version ${end?.version}, ${end?.totalAmount} of ${end?.items.length} items`,
      `${ended?.status} version ${ended?.version}`,
      `${page.orders.length} orders`,
      `${expired} expired`,
      ...(await consumerChores(db)),
      ...(await outboxChores(db)),
    ];
  },

  async payments(db) {
    const handlers = onPaymentOrderEvent(encode, clock);
    const [paid, failing] = [uuidv7(), uuidv7()];
    const lines = [
      await handled(db, handlers, created(paid), 1),
      await handled(db, handlers, created(failing), 1),
    ];
    const waiting = await readBacklog(db);
    const due = await claimPayments(db, 10, 30_000, new Date(Date.now() + 1_000));
    await recordPaymentOutcomes(
      db,
      encode,
      due.map((item) =>
        item.orderId === paid
          ? { item, result: { type: 'authorized' } }
          : { item, error: new Error('away'), retryIn: 60_000 },
      ),
      clock(),
    );
    lines.push(
      await handled(db, handlers, cancelled(paid), 2),
      await handled(db, handlers, cancelled(failing), 2),
    );
    // Nothing of this turn is left to the next.
    await db.execute(sql`update payments set status = 'DECLINED', next_attempt_at = null`);
    return [
      `${waiting?.count} waiting`,
      `${due.map(({ attempts, amount }) => `${attempts} of ${amount}`).join()}`,
      ...lines,
      ...(await consumerChores(db)),
      ...(await outboxChores(db)),
    ];
  },

  async inventory(db) {
    const handlers = onStockOrderEvent(encode, clock);
    const id = uuidv7();
    const lines = [
      await handled(db, handlers, created(id), 1),
      await handled(db, handlers, cancelled(id), 2),
      await handled(db, handlers, created(uuidv7()), 1),
    ];
    const [row] = await db.execute<{ n: number }>(
      sql`select count(*)::int as n from reservations where order_id = ${id} and status = 'RELEASED'`,
    );
    return [...lines, `${row?.n} released`, ...(await consumerChores(db)), ...(await outboxChores(db))];
  },

  async notifications(db) {
    const handlers = onEmailOrderEvent(clock);
    const id = uuidv7();
    const lines = [
      await handled(db, handlers, created(id), 1),
      await handled(db, handlers, confirmed(id), 2),
    ];
    const waiting = await readBacklog(db);
    const due = await claimEmails(db, 10, 30_000, new Date(Date.now() + 1_000));
    const renewed = await renewEmails(db, due, 30_000, clock());
    await recordEmailOutcomes(
      db,
      due.map((item, at) =>
        at === 0 ? { item, result: { status: 'SENT' } } : { item, error: new Error('away'), retryIn: 60_000 },
      ),
      clock(),
    );
    await db.execute(
      sql`update emails set status = 'SENT', sent_at = now(), next_attempt_at = null where status = 'WAITING'`,
    );
    return [
      ...lines,
      `${waiting?.count} waiting`,
      `${due.length} due, ${renewed.length} renewed`,
      ...(await consumerChores(db)),
    ];
  },
};
