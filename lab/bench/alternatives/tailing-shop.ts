// pg-transactional-outbox: order and message in one transaction, and its replication listener in the same process.
import { newId } from '@walpost/kit/new-id';
import pg from 'pg';
import {
  createReplicationSegmentMutexConcurrencyController,
  getDisabledLogger,
  initializeMessageStorage,
  initializeReplicationMessageListener,
} from 'pg-transactional-outbox';
import type { Order } from '../../../services/order/order.ts';
import { listen, ORDER_CREATED, openPublishingShop, orderRecord } from './program.ts';

const { config, producer, decide } = await openPublishingShop();
const server = { host: '127.0.0.1', port: config.POSTGRES_PORT, database: 'orders' };
const application = { ...server, user: 'orders_app', password: config.ORDERS_PASSWORD };
const tailed = {
  outboxOrInbox: 'outbox' as const,
  dbHandlerConfig: application,
  dbListenerConfig: { ...server, user: 'cdc', password: config.CDC_PASSWORD },
  settings: {
    dbSchema: 'public',
    dbTable: 'tailed_outbox',
    dbPublication: 'tailed_outbox',
    dbReplicationSlot: 'tailed_outbox',
    restartDelaySlotInUseInMs: 1_000,
    // As its documentation has it for an outbox.
    enableMaxAttemptsProtection: false,
    enablePoisonousMessageProtection: false,
  },
};
// What it passes over is counted by who runs this.
const logger = getDisabledLogger();
const handle = async ({
  id,
  aggregateId,
  payload,
}: {
  id: string;
  aggregateId: string;
  payload: unknown;
}) => {
  const { avro } = payload as { avro: string };
  const messages = [orderRecord(aggregateId, id, Buffer.from(avro, 'base64'))];
  await producer.send({ topic: ORDER_CREATED.topic, acks: -1, messages });
};
// The messages of an order one after the other, those of different orders side by side.
const concurrencyStrategy = createReplicationSegmentMutexConcurrencyController();
initializeReplicationMessageListener(tailed, { handle }, logger, { concurrencyStrategy });

// The library takes the driver `pg`; by name, so that it is prepared once for each connection, as with the others.
const INSERT_ORDER = {
  name: 'insert_order',
  text: `insert into orders
    (id, customer_id, currency, items, total_amount, status, payment, stock, version, created_at)
    values ($1, $2, $3, $4, $5, 'PENDING', 'PENDING', 'PENDING', 1, $6)`,
};
const orderValues = ({ id, customerId, currency, items, totalAmount, createdAt }: Order) => [
  id,
  customerId,
  currency,
  JSON.stringify(items),
  totalAmount,
  createdAt,
];

const store = initializeMessageStorage(tailed, logger);
const pool = new pg.Pool({ ...application, max: 10 });

await listen(config.ALTERNATIVE_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const { order, payload } = decide(request.body);
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query({ ...INSERT_ORDER, values: orderValues(order) });
      await store(
        {
          id: newId(new Date()),
          aggregateType: 'order',
          aggregateId: order.id,
          messageType: ORDER_CREATED.name,
          segment: order.id,
          payload: { avro: payload.toString('base64') },
        },
        client,
      );
      await client.query('commit');
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
    return reply.code(201).send({ id: order.id });
  });
});
