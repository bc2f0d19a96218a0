// Publish after commit: the order is committed, then its event is sent. A process that dies in between loses it.
import { encode } from '@walpost/schemas/codec';
import { eventType } from '@walpost/schemas/contract';
import kafkajs from 'kafkajs';
import { v7 as uuidv7 } from 'uuid';
import { decide, insertOrder, listen, openPool, rivalConfig } from './program.js';

const config = rivalConfig(process.env);
const sql = openPool(config, 'orders', config.ORDERS_PASSWORD);
const { Kafka, logLevel } = kafkajs;
const kafka = new Kafka({ brokers: config.KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
await producer.connect();
const type = eventType('OrderCreated');

await listen(config.RIVAL_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const decided = decide(request.body);
    const { order, event } = decided;
    await insertOrder(sql, decided, 'PENDING');
    if (event.type !== 'OrderCreated') throw new Error('a placed order is created');
    const id = uuidv7();
    await producer.send({
      topic: type.topic,
      acks: -1,
      messages: [
        {
          key: order.id,
          value: encode(config.RIVAL_SCHEMA_ID, type, event.data),
          headers: { id, ce_id: id, ce_type: type.fullName, aggregateversion: '1' },
        },
      ],
    });
    return reply.code(201).send({ id: order.id });
  });
});
