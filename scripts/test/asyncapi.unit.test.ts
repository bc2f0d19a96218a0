import { readFileSync } from 'node:fs';
import { AvroSchemaParser } from '@asyncapi/avro-schema-parser';
import { Parser } from '@asyncapi/parser';
import { expect, test } from '@jest/globals';
import { asyncApi } from '../asyncapi.js';

const file = new URL('../../docs/asyncapi.json', import.meta.url);

test('docs/asyncapi.json is what the schemas and the topic table say; else: npm run generate', () => {
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(asyncApi());
});

test("AsyncAPI's own parser finds nothing wrong with it, and every event with its schema", async () => {
  const parser = new Parser({ schemaParsers: [AvroSchemaParser()] });
  const { document, diagnostics } = await parser.parse(readFileSync(file, 'utf8'));
  // Information and hints apart, one of which is that there is a newer AsyncAPI.
  expect(diagnostics.filter(({ severity }) => severity < 2)).toEqual([]);
  const channels = document?.channels().all() ?? [];
  expect(channels.map((channel) => channel.address()).sort()).toEqual([
    'inventory-events',
    'order-events',
    'payment-events',
  ]);
  const created = channels
    .flatMap((channel) => channel.messages().all())
    .find((message) => message.id() === 'OrderCreated');
  expect(created?.payload()?.properties()).toHaveProperty('orderId');
  expect(created?.headers()?.properties()).toMatchObject({
    ce_type: expect.anything(),
    ce_id: expect.anything(),
  });
  const receives = document?.operations().filterByReceive() ?? [];
  expect(receives.map((operation) => operation.id())).toContain('payment-service.receive.order-events');
});
