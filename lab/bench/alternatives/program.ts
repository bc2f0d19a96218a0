import { encode } from '@walpost/kit/contract/codec';
import { eventSettings, Port, postgresSettings, readConfig, Secret } from '@walpost/kit/environment';
import { newId } from '@walpost/kit/new-id';
import { type FastifyInstance, fastify } from 'fastify';
import kafkajs, { type Message, type Producer } from 'kafkajs';
import postgres from 'postgres';
import { Type } from 'typebox';
import { contract } from '../../../schemas/contract.generated.ts';
import { type Order, placeOrder } from '../../../services/order/order.ts';
import type { ORDER } from '../sample-order.ts';

/** What the alternatives' programs take from the environment, which the stack fills. */
export const alternativeConfig = (environment: NodeJS.ProcessEnv) =>
  readConfig(
    {
      ...postgresSettings,
      ...eventSettings,
      ALTERNATIVE_PORT: Port(0),
      /** Where the called services are. */
      ALTERNATIVE_CALLS: Type.String({ default: '' }),
      /** The registry's id of OrderCreated. */
      ALTERNATIVE_SCHEMA_ID: Type.Integer({ default: 1 }),
      ORDERS_PASSWORD: Secret(),
      PAYMENTS_PASSWORD: Secret(),
      INVENTORY_PASSWORD: Secret(),
      CDC_PASSWORD: Secret(),
    },
    environment,
  );

export type AlternativeConfig = ReturnType<typeof alternativeConfig>;

/** A pool like a service's own: ten connections, prepared statements. */
export function openPool(
  { POSTGRES_PORT: port }: AlternativeConfig,
  database: string,
  password: string,
): postgres.Sql {
  return postgres({ host: '127.0.0.1', port, database, username: `${database}_app`, password, max: 10 });
}

/** What a shop that publishes its orders works with. */
export interface PublishingShop {
  config: AlternativeConfig;
  sql: postgres.Sql;
  /** Connected; acks=all, and idempotent. */
  producer: Producer;
  /** Decides an order, and encodes its first event. */
  decide(body: unknown): { order: Order; payload: Buffer };
}

/** Opens a shop by the environment that the stack fills. */
export async function openPublishingShop(): Promise<PublishingShop> {
  const config = alternativeConfig(process.env);
  return {
    config,
    sql: openPool(config, 'orders', config.ORDERS_PASSWORD),
    producer: await openProducer(config),
    decide(body) {
      const { order, event } = decide(body);
      if (event.type !== 'OrderCreated') throw new Error('a placed order is created');
      return { order, payload: encode(config.ALTERNATIVE_SCHEMA_ID, ORDER_CREATED, event.data) };
    },
  };
}

export async function openProducer({ KAFKA_BROKERS: brokers }: AlternativeConfig): Promise<Producer> {
  const { Kafka, logLevel } = kafkajs;
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  return producer;
}

/** A program's HTTP server: fastify without validation or documentation, which only makes it faster. */
export async function listen(port: number, routes: (app: FastifyInstance) => void): Promise<void> {
  const app = fastify();
  app.get('/health/ready', async () => ({ status: 'ok' }));
  routes(app);
  // What is open beside the server, pools and a producer, would keep the process alive, and holds nothing back.
  process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
  await app.listen({ host: '127.0.0.1', port });
}

/** Decides an order as the order service does. */
export function decide(body: unknown): ReturnType<typeof placeOrder> {
  const now = new Date();
  return placeOrder(body as typeof ORDER, newId(now), now);
}

/** Writes a decided order; outside a transaction it is committed when this resolves. */
export async function insertOrder(sql: postgres.ISql, order: Order): Promise<void> {
  await sql`insert into orders
    (id, customer_id, currency, items, total_amount, status, payment, stock, version, created_at)
    values (${order.id}, ${order.customerId}, ${order.currency}, ${sql.json(order.items as never)}, ${order.totalAmount},
      'PENDING', 'PENDING', 'PENDING', 1, ${order.createdAt})`;
}

export const ORDER_CREATED = contract.eventType('OrderCreated');

/** The record of an order's first event, with the headers that a consumer needs. */
export function orderRecord(orderId: string, eventId: string, value: Buffer): Message {
  return {
    key: orderId,
    value,
    headers: { id: eventId, ce_id: eventId, ce_type: ORDER_CREATED.fullName, aggregateversion: '1' },
  };
}
