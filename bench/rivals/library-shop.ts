// The outbox library `pg-transactional-outbox` with its replication listener, set up as its own documentation shows.
import { encode } from '@walpost/schemas/codec';
import { Pool } from 'pg';
import {
  getDisabledLogger,
  initializeMessageStorage,
  initializeReplicationMessageListener,
  type ReplicationListenerConfig,
} from 'pg-transactional-outbox';
import { v7 as uuidv7 } from 'uuid';
import { LIBRARY_OUTBOX } from './library-outbox.js';
import { decide, listen, ORDER_CREATED, openProducer, orderRecord, rivalConfig } from './program.js';

const config = rivalConfig(process.env);
const server = { host: '127.0.0.1', port: config.POSTGRES_PORT, database: 'orders' };
const pool = new Pool({ ...server, user: 'orders_app', password: config.ORDERS_PASSWORD, max: 10 });
const listener: ReplicationListenerConfig = {
  outboxOrInbox: 'outbox',
  dbListenerConfig: { ...server, user: 'postgres', password: config.POSTGRES_PASSWORD },
  settings: {
    dbSchema: LIBRARY_OUTBOX.schema,
    dbTable: LIBRARY_OUTBOX.table,
    dbPublication: LIBRARY_OUTBOX.publication,
    dbReplicationSlot: LIBRARY_OUTBOX.replicationSlot,
    enableMaxAttemptsProtection: false,
    enablePoisonousMessageProtection: false,
  },
};
const producer = await openProducer(config);
const logger = getDisabledLogger();
const store = initializeMessageStorage(listener, logger);
initializeReplicationMessageListener(
  listener,
  {
    async handle({ id, aggregateId, payload }) {
      // The library keeps JSON, so bytes travel as text.
      const value = Buffer.from((payload as { avro: string }).avro, 'base64');
      const messages = [orderRecord(aggregateId, id, value)];
      await producer.send({ topic: ORDER_CREATED.topic, acks: -1, messages });
    },
  },
  logger,
);

await listen(config.RIVAL_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const { order, event } = decide(request.body);
    const avro = encode(config.RIVAL_SCHEMA_ID, ORDER_CREATED, event.data as never).toString('base64');
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query({
        name: 'order',
        text: `insert into orders
          (id, customer_id, currency, items, total_amount, status, payment, stock, version, created_at)
          values ($1, $2, $3, $4, $5, 'PENDING', 'PENDING', 'PENDING', 1, $6)`,
        values: [
          order.id,
          order.customerId,
          order.currency,
          JSON.stringify(order.items),
          order.totalAmount,
          order.createdAt,
        ],
      });
      const message = { id: uuidv7(), aggregateType: 'order', aggregateId: order.id, payload: { avro } };
      await store({ ...message, messageType: 'OrderCreated' }, client);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
    return reply.code(201).send({ id: order.id });
  });
});
