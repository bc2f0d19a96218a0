// Publish after commit: the order is committed, then its event is sent. A process that dies in between loses it.
import { encode } from '@walpost/schemas/codec';
import { v7 as uuidv7 } from 'uuid';
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

const config = rivalConfig(process.env);
const sql = openPool(config, 'orders', config.ORDERS_PASSWORD);
const producer = await openProducer(config);

await listen(config.RIVAL_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const decided = decide(request.body);
    const { id } = decided.order;
    await insertOrder(sql, decided);
    const value = encode(config.RIVAL_SCHEMA_ID, ORDER_CREATED, decided.event.data as never);
    await producer.send({
      topic: ORDER_CREATED.topic,
      acks: -1,
      messages: [orderRecord(id, uuidv7(), value)],
    });
    return reply.code(201).send({ id });
  });
});
