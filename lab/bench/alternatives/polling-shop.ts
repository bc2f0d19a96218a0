// An outbox that is polled: order and row in one transaction, and a relay in the same process that asks for new rows.
import { newId } from '@walpost/kit/new-id';
import { startPollingRelay } from './polling-relay.ts';
import { insertOrder, listen, ORDER_CREATED, openPublishingShop, orderRecord } from './program.ts';

const { config, sql, producer, decide } = await openPublishingShop();
startPollingRelay({
  sql,
  producer,
  table: 'polled_outbox',
  topicOf: () => ORDER_CREATED.topic,
  toMessage: ({ id, aggregateid, payload }) => orderRecord(aggregateid, id, payload),
  // What was not published stays in the table for the next turn.
  onError: (error) => console.error(error),
});

await listen(config.ALTERNATIVE_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const { order, payload } = decide(request.body);
    await sql.begin(async (tx) => {
      await insertOrder(tx, order);
      await tx`insert into polled_outbox (id, aggregateid, payload) values (${newId(new Date())}, ${order.id}, ${payload})`;
    });
    return reply.code(201).send({ id: order.id });
  });
});
