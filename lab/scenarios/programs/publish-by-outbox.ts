// The order service's own way to place an order, in a process that dies by kill -9 right after the commit.

import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { type DatabaseOptions, openDatabase } from '@walpost/kit/postgres/database';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { contract } from '../../../schemas/contract.generated.ts';
import { createPlaceOrder } from '../../../services/order/place-order.ts';

/** What the program is told. */
export interface OutboxOrder {
  database: DatabaseOptions;
  /** The registry's id of OrderCreated. */
  schemaId: number;
  /** By which the order can be found. */
  idempotencyKey: string;
}

const { database, schemaId, idempotencyKey } = JSON.parse(process.argv[2] ?? '') as OutboxOrder;
const { db } = openDatabase(database);
const encode = createOutboxEncoder(contract, '/walpost/scenario', () => schemaId);
const placeOrder = createPlaceOrder(db, encode, () => new Date());

const items = [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }];
await placeOrder(
  { customerId: 'ada', currency: 'EUR', items },
  { idempotencyKey, traceparent: childTraceparent(undefined) },
);
process.kill(process.pid, 'SIGKILL');
