import { expect, test } from '@jest/globals';
import { contract } from '../../../schemas/contract.generated.ts';
import { defineConfig, type ServiceConfigs } from '../config.ts';

const define = (services: object, more: object = {}) =>
  defineConfig({ name: 'parcels', contract, services: services as ServiceConfigs, ...more });

test('what is not said follows from the name', () => {
  const system = define({
    'parcel-shop': { port: 3000, publishes: 'order-events', connector: { 'max.batch.size': '10' } },
    tracking: { port: 3001, consumes: ['order-events'], database: 'tracks', group: 'tracker', server: 'own' },
  });
  expect(system.service('parcel-shop')).toEqual({
    name: 'parcel-shop',
    group: 'parcel-shop',
    hasOwnServer: false,
    database: 'parcel_shop',
    port: 3000,
    portVariable: 'PARCEL_SHOP_PORT',
    urlVariable: 'PARCEL_SHOP_URL',
    passwordVariable: 'PARCEL_SHOP_PASSWORD',
    databaseUrlVariable: 'PARCEL_SHOP_DATABASE_URL',
    serverPrefix: 'POSTGRES',
    consumes: [],
    publishes: {
      topic: 'order-events',
      connector: 'parcel-shop-outbox',
      slot: 'parcel_shop_outbox',
      overrides: { 'max.batch.size': '10' },
    },
    main: 'services/parcel-shop/main.ts',
    migrations: 'services/parcel-shop/migrations',
    observe: { effect: 'parcel_shop' },
  });
  expect(system.service('tracking')).toMatchObject({
    group: 'tracker',
    database: 'tracks',
    passwordVariable: 'TRACKS_PASSWORD',
    databaseUrlVariable: 'TRACKING_DATABASE_URL',
    hasOwnServer: true,
    serverPrefix: 'TRACKING_POSTGRES',
    observe: { effect: 'tracks' },
  });
});

test('topics are those of the contract, changed where the config says so, and one of heartbeats for each connector', () => {
  const { topics } = define(
    { shop: { port: 3000, publishes: 'order-events' } },
    { topics: { 'order-events': { partitions: 12, config: { 'retention.ms': '1000' } } } },
  );
  expect(topics.map(({ name, partitions }) => [name, partitions])).toEqual([
    ['inventory-events', 6],
    ['order-events', 12],
    ['payment-events', 6],
    ['__debezium-heartbeat.shop-outbox', 1],
  ]);
  expect(topics[1]?.config).toMatchObject({ 'retention.ms': '1000', 'cleanup.policy': 'delete' });
});

const shop = { port: 3000, publishes: 'order-events' };
const REFUSED: [object, string, object?][] = [
  [
    { shop: { ...shop, publishes: 'orders' } },
    'service shop: publishes: the contract has no topic orders; it has',
  ],
  [{ shop: { port: 1, consumes: ['orders'] } }, 'service shop: consumes: the contract has no topic orders'],
  [
    { shop, other: { port: 3001, publishes: 'order-events' } },
    'service other: publishes: shop writes order-events already, and a topic has one writer',
  ],
  [{ shop, other: { port: 3000 } }, 'service other: port: shop has 3000 too'],
  [{ shop, other: { port: 3001, database: 'shop' } }, 'service other: database: shop has shop too'],
  [{ shop, other: { port: 3001, group: 'shop' } }, 'service other: group: shop has shop too'],
  [{ shop: { port: 70_000 } }, 'service shop: port: 70000 is not a port'],
  [{ kafka: { port: 1 } }, 'service kafka: a part of the stack has this name'],
  [{ Shop: { port: 1 } }, 'service Shop: a name is lower-case letters, digits and hyphens'],
  [{ shop: { port: 1, database: 'my-shop' } }, 'service shop: database: "my-shop" is not'],
  [{ shop: { port: 1, database: 'postgres' } }, "service shop: database: postgres is not a service's"],
  [{}, 'topics: the contract has no topic orders', { topics: { orders: {} } }],
  [{}, 'name: "my shop" is not lower-case letters', { name: 'my shop' }],
];
test.each(REFUSED.map(([services, message, more = {}]) => [message, services, more] as const))(
  '%s',
  (message, services, more) => {
    expect(() => define(services, more)).toThrow(`walpost.config.ts: ${message}`);
  },
);

test('all that is wrong is said at once, and a service that there is not by those that there are', () => {
  expect(() => define({ kafka: { port: 0 } })).toThrow(
    'walpost.config.ts: service kafka: a part of the stack has this name; service kafka: port: 0 is not a port',
  );
  expect(() => define({ shop }).service('shpo')).toThrow('has no service shpo; it has shop');
});
