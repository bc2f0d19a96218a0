import { contract } from '../../schemas/contract.generated.ts';
import { ORDER, orderCreated, TOTAL } from './sample-order.ts';

// Written once into each script, so that the server plans them once: pgbench sends nothing but the order's id.
// A colon that a letter or digit follows would be a variable of pgbench.
const ITEMS = `'${JSON.stringify(ORDER.items).replaceAll(':', ': ')}'::jsonb`;
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const PAYLOAD = orderCreated('01890a5d-ac96-774b-bcce-b302099a8057', 1).toString('hex');

const order = (id: string) => `insert into orders
  (id, customer_id, currency, items, total_amount, status, payment, stock, version, created_at)
  values (${id}, '${ORDER.customerId}', '${ORDER.currency}', ${ITEMS}, ${TOTAL}, 'PENDING', 'PENDING', 'PENDING', 1, now())`;

/** Columns and values of an order's outbox row; the id is an SQL expression of type text. */
export const outboxColumns = `(id, aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, ce_specversion,
  content_type, traceparent, created_at)`;
export const outboxValues = (orderId: string) => `uuidv7(), 'order', ${orderId}, 1,
  '${contract.eventType('OrderCreated').fullName}', '\\x${PAYLOAD}'::bytea, '/walpost/order-service', '1.0', 'application/avro',
  '${TRACEPARENT}', now()`;

/** An order and its event as two statements in a transaction, as most would write it. */
export const TWO_INSERTS = `begin;
${order('uuidv7()')} returning id \\gset
insert into outbox ${outboxColumns} values (${outboxValues(':id')});
commit;
`;

/** The same as one statement: one round trip, one transaction. */
export const ONE_STATEMENT = `with placed as (${order('uuidv7()')} returning id)
insert into outbox ${outboxColumns} select ${outboxValues('id::text')} from placed;
`;
