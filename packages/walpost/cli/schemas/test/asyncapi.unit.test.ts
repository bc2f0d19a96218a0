import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import system from '../../../../../walpost.config.ts';
import { asyncApi } from '../asyncapi.ts';

const file = new URL('../../../../../docs/asyncapi.json', import.meta.url);
const schema = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json');

test('docs/asyncapi.json is what the schemas and the topic table say; else: npm run generate', () => {
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(asyncApi(system));
});

test("it is valid by AsyncAPI's own schema, which knows Avro and Kafka's bindings", () => {
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(
    JSON.parse(readFileSync(schema, 'utf8')) as object,
  );
  validate(asyncApi(system));
  expect(validate.errors).toBeNull();
});

test('whatever it refers to is in it', () => {
  const document = asyncApi(system);
  expect(document).toMatchObject({
    channels: { 'order-events': {}, 'payment-events': {}, 'inventory-events': {} },
    operations: { 'payment-service.receive.order-events': {} },
  });
  const paths = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(0);
  for (const path of paths) expect(document).toHaveProperty(path.split('/'));
});
