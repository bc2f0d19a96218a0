// Publish after commit: the order is committed, then its event is sent. A process that dies in between loses it.
import { newId } from '@walpost/kit/new-id';
import { insertOrder, listen, ORDER_CREATED, openPublishingShop, orderRecord } from './program.ts';

const { config, sql, producer, decide } = await openPublishingShop();

await listen(config.ALTERNATIVE_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const { order, payload } = decide(request.body);
    await insertOrder(sql, order);
    const messages = [orderRecord(order.id, newId(new Date()), payload)];
    await producer.send({ topic: ORDER_CREATED.topic, acks: -1, messages });
    return reply.code(201).send({ id: order.id });
  });
});
