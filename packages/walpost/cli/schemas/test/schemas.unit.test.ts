import { expect, test } from '@jest/globals';
import type { RegisteredVersion, Registry } from '@walpost/kit/contract/registry';
import { contract } from '../../../../../schemas/contract.generated.ts';
import { registerSchemas } from '../register-schemas.ts';

const events = [contract.eventType('OrderCreated'), contract.eventType('StockRejected')];

/** A registry in memory; `calls` is what was changed, in order. */
function registryOf(subjects: Record<string, RegisteredVersion[]>) {
  const calls: string[] = [];
  const registry: Registry = {
    schemaOf: () => Promise.reject(new Error('not asked for')),
    idOf: () => Promise.reject(new Error('not asked for')),
    subjects: async () => Object.keys(subjects),
    versions: async (subject) => subjects[subject] ?? [],
    isRegistered: async (event) => (subjects[event.subject] ?? []).length > 0,
    compatibility: async () => 'FULL_TRANSITIVE',
    setCompatibility: async (subject) => void calls.push(`compatibility ${subject}`),
    register: async (event) => {
      calls.push(`register ${event.subject}`);
      subjects[event.subject] ??= [{ version: 1, id: 40 + calls.length, schema: event.schema }];
      return subjects[event.subject]?.[0]?.id ?? 0;
    },
  };
  return { registry, calls };
}

test('compatibility is set before the first registration, and a second run changes nothing', async () => {
  const { registry, calls } = registryOf({});
  const first = await registerSchemas(registry, events);
  expect(calls).toEqual(events.flatMap(({ subject }) => [`compatibility ${subject}`, `register ${subject}`]));
  expect(first.map(({ version, id, outcome }) => [version, id, outcome])).toEqual([
    [1, 42, 'registered'],
    [1, 44, 'registered'],
  ]);
  const second = await registerSchemas(registry, events);
  expect(second.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged']);
});

test('one incompatible event, against any version, refuses them all and names the field', async () => {
  const { fields, ...rest } = contract.eventType('StockRejected').schema as { fields: { name: string }[] };
  const schema = (without: string) => ({ ...rest, fields: fields.filter(({ name }) => name !== without) });
  const versions = ['sku', 'none'].map((without, index) => ({
    version: index + 1,
    id: index + 1,
    schema: schema(without),
  }));
  const { registry, calls } = registryOf({ [contract.eventType('StockRejected').subject]: versions });
  await expect(registerSchemas(registry, events)).rejects.toThrow(
    'StockRejected.sku: added without a default: the new schema cannot read data of version 1',
  );
  expect(calls).toEqual([]);
});
