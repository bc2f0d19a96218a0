// Synchronous calls: the order is confirmed when payment and inventory have answered, one after the other.
import { alternativeConfig, decide, insertOrder, listen, openPool } from './program.ts';

const config = alternativeConfig(process.env);
const sql = openPool(config, 'orders', config.ORDERS_PASSWORD);

await listen(config.ALTERNATIVE_PORT, (app) => {
  app.post('/orders', async (request, reply) => {
    const { order } = decide(request.body);
    await insertOrder(sql, order);
    for (const path of ['/payments', '/reservations']) {
      const answer = await fetch(config.ALTERNATIVE_CALLS + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(order),
      });
      await answer.arrayBuffer();
      if (answer.status !== 200) return reply.code(502).send({ error: `${path} answered ${answer.status}` });
    }
    await sql`update orders set status = 'CONFIRMED', payment = 'YES', stock = 'YES', version = 2 where id = ${order.id}`;
    return reply.code(201).send({ id: order.id });
  });
});
