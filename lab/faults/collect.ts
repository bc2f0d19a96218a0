import avro from 'avsc';
import type postgres from 'postgres';
import { eventually } from './eventually.ts';
import type {
  DeadLetterRow,
  EmailRow,
  Evidence,
  InboxRow,
  OrderRow,
  OutboxRow,
  PaymentRow,
  Reader,
  ReservationRow,
  StockRow,
  TopicRecord,
} from './evidence.ts';
import { type Lab, openKafka } from './lab.ts';
import type { Service } from './plan.ts';
import { readTopic } from './read-topic.ts';

/** A million events are a few minutes' reading, s. */
const READ_WITHIN_S = 900;
const TIMEOUT_S = 30;

type Journal = Pick<Evidence, 'asks' | 'planted' | 'attempts' | 'stalls' | 'repeats'>;

/** Gathers all that can be seen of the system: rows, records, schemas. Waits for nothing but the topics' ends. */
export async function collect(lab: Lab, journal: Journal, before: readonly StockRow[]): Promise<Evidence> {
  const { databases, env } = lab;
  const kafka = openKafka(env);
  // A crash of the client ends a reading, e.g. while a broker loads its groups: an hour's run must not end with that.
  const read = (topic: string) =>
    eventually(`reading ${topic}`, READ_WITHIN_S, () => readTopic(kafka, topic, READ_WITHIN_S));
  const records = {
    'order-events': await read('order-events'),
    'payment-events': await read('payment-events'),
    'inventory-events': await read('inventory-events'),
  };
  return {
    ...journal,
    orders: await databases.order<OrderRow[]>`
      select id::text, customer_id as customer, currency, items, total_amount::float8 as total, status, payment, stock,
        cancellation_reason as reason, version::int, idempotency_key as key, ${ms(databases.order, 'created_at')} as at
      from orders`,
    payments: await databases.payment<PaymentRow[]>`
      select id::text, order_id::text as order, amount::float8 as amount, currency, status, reason,
        ${ms(databases.payment, 'updated_at')} as at from payments`,
    reservations: await databases.inventory<ReservationRow[]>`
      select order_id::text as order, sku, quantity::float8 as quantity, status,
        ${ms(databases.inventory, 'updated_at')} as at from reservations`,
    stock: { before, after: await readStock(lab) },
    emails: await databases.notification<EmailRow[]>`
      select id::text, order_id::text as order, kind, status, ${ms(databases.notification, 'created_at')} as at
      from emails`,
    outbox: {
      'order-events': await readOutbox(databases.order),
      'payment-events': await readOutbox(databases.payment),
      'inventory-events': await readOutbox(databases.inventory),
    },
    inbox: await ofEach(databases, readInbox),
    deadLetters: await ofEach(databases, readDeadLetters),
    records,
    schemas: await readSchemas(env['SCHEMA_REGISTRY_URL'] ?? '', Object.values(records).flat()),
  };
}

/** What is in stock. */
export async function readStock({ databases }: Pick<Lab, 'databases'>): Promise<StockRow[]> {
  return databases.inventory<StockRow[]>`
    select sku, on_hand::float8 as "onHand", reserved::float8 as reserved from stock order by sku`;
}

async function readOutbox(sql: postgres.Sql): Promise<OutboxRow[]> {
  return sql<OutboxRow[]>`
    select id::text, aggregateid as key, aggregateversion::int as version, type, payload, ${ms(sql, 'created_at')} as at
    from outbox`;
}

async function readInbox(sql: postgres.Sql): Promise<InboxRow[]> {
  return sql<InboxRow[]>`
    select event_id::text as id, topic, key, version::int, ${ms(sql, 'received_at')} as at from inbox`;
}

async function readDeadLetters(sql: postgres.Sql): Promise<DeadLetterRow[]> {
  return sql<DeadLetterRow[]>`
    select id::int, state, topic, key, headers, error_code as code, error_message as message,
      ${ms(sql, 'created_at')} as at from dead_letters order by id`;
}

function ms(sql: postgres.Sql, column: string): postgres.Fragment {
  return sql`(extract(epoch from ${sql(column)}) * 1000)::float8`;
}

async function ofEach<T>(
  databases: Readonly<Record<Service, postgres.Sql>>,
  read: (sql: postgres.Sql) => Promise<T>,
): Promise<Record<Service, T>> {
  const { order, payment, inventory, notification } = databases;
  return {
    order: await read(order),
    payment: await read(payment),
    inventory: await read(inventory),
    notification: await read(notification),
  };
}

/** Asks the registry for every schema id that records name. */
async function readSchemas(registry: string, records: readonly TopicRecord[]): Promise<Map<number, Reader>> {
  const ids = new Set(
    records.flatMap(({ value }) =>
      value && value.length > 5 && value[0] === 0 ? [value.readInt32BE(1)] : [],
    ),
  );
  const found = new Map<number, Reader>();
  for (const id of ids) {
    const reader = await readerOfId(registry, id);
    if (reader) found.set(id, reader);
  }
  return found;
}

/** What the registry has under an id; null for one that was never there. */
async function readerOfId(registry: string, id: number): Promise<Reader | null> {
  // A connection of its pool that Postgres took down with it answers 500 once, when it is used next.
  return eventually(`schema ${id} of the registry`, TIMEOUT_S, async () => {
    const answer = await fetch(`${registry}/schemas/ids/${id}`);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`the registry answered ${answer.status}`);
    const { schema } = (await answer.json()) as { schema: string };
    return readerOf(schema);
  });
}

/** A reader that insists on every byte. */
export function readerOf(schema: string): Reader {
  const type = avro.Type.forSchema(JSON.parse(schema));
  return {
    name: type.name ?? '',
    read: (body) => type.fromBuffer(body),
  };
}
