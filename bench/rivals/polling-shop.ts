// An outbox that is polled: order and row in one transaction, and a relay in the same process that asks for new rows.
import { encode } from '@walpost/schemas/codec';
import { v7 as uuidv7 } from 'uuid';
import { startPollingRelay } from './polling-relay.js';
import {
  decide,
  insertOrder,
  listen,
  ORDER_CREATED,
  openPool,
  openProducer,
  orderRecord,
  rivalConfig,
} from './program.js';

const POLL_EVERY = 100;
const BATCH = 500;

const config = rivalConfig(process.env);
const sql = openPool(config, 'orders', config.ORDERS_PASSWORD);
const producer = await openProducer(config);
startPollingRelay({
  sql,
  producer,
  table: 'polled_outbox',
  topicOf: () => ORDER_CREATED.topic,
  toMessage: ({ id, aggregateid, payload }) => orderRecord(aggregateid, id, payload),
  interval: POLL_EVERY,
  batch: BATCH,
  // What was not published stays in the table for the next turn.
  onError: (error) => console.error(error),
});

await listen(config.RIVAL_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const decided = decide(request.body);
    const { id } = decided.order;
    const payload = encode(config.RIVAL_SCHEMA_ID, ORDER_CREATED, decided.event.data as never);
    await sql.begin(async (tx) => {
      await insertOrder(tx, decided);
      await tx`insert into polled_outbox (id, aggregateid, payload) values (${uuidv7()}, ${id}, ${payload})`;
    });
    return reply.code(201).send({ id });
  });
});
