import { Count, Identifier, newId, Problem, problemResponse, runService } from '@walpost/kit';
import { sql } from 'drizzle-orm';
import { Type } from 'typebox';
import system from '../../walpost.config.ts';

const body = Type.Object(
  { customerId: Identifier('Who wants it'), quantity: Count('How many', { minimum: 1, maximum: 1_000 }) },
  { additionalProperties: false },
);
const params = Type.Object({ id: Identifier('Its id, which is the key of its events') });

await runService(system, '__publisher__', ({ db, clock, publish }) => ({
  routes: (app) => {
    app.post('/__publisher__', { schema: { body } }, async (request, reply) => {
      const id = newId(clock.now());
      const data = request.body;
      // One transaction: the row and its event are both written, or neither is.
      await db.transaction(async (tx) => {
        await tx.execute(
          sql`insert into __table__ (id, customer_id, quantity) values (${id}, ${data.customerId}, ${data.quantity})`,
        );
        await publish(tx, { type: '__Publisher__Created', key: id, version: 1, cause: request, data });
      });
      return reply.code(201).send({ id, ...data });
    });

    const response = { 404: problemResponse('There is none with this id.') };
    app.get('/__publisher__/:id', { schema: { params, response } }, async ({ params: { id } }) => {
      const [row] = await db.execute(sql`select id, customer_id, quantity from __table__ where id = ${id}`);
      if (!row) throw new Problem(404, 'not-found', `There is no __publisher__ ${id}.`);
      return row;
    });
  },
}));
