import registryClient from '@kafkajs/confluent-schema-registry';
import { setting } from '@walpost/native/settings';
import { createDecoder, encode } from '@walpost/schemas/codec';
import { eventType } from '@walpost/schemas/contract';
import { createRegistry } from '@walpost/schemas/registry';
import type { Measurement, Side } from './measurement.js';
import { INTAKE_PARTS } from './parts.js';
import { ORDER, orderCreated, TOTAL } from './sample-order.js';

const ORDER_ID = '01890a5d-ac96-774b-bcce-b302099a8057';
/** Magic byte and schema id, which avsc alone does not know. */
const HEADER_BYTES = 5;
const TURN = 1_000;

/** How many events a second one process encodes and decodes. */
export const codec: Measurement = {
  name: 'codec',
  summary: 'encode and decode with a reader schema, against avsc alone and the registry library',
  parts: INTAKE_PARTS,
  async run({ stack, quick, compare }) {
    const host = setting(stack.env, 'SCHEMA_REGISTRY_URL');
    const entry = eventType('OrderCreated');
    const registry = createRegistry({ url: host });
    const schemaId = await registry.idOf(entry);
    const data = { ...ORDER, orderId: ORDER_ID, totalAmount: TOTAL, createdAt: Date.now() };
    const bytes = orderCreated(ORDER_ID, schemaId);
    const milliseconds = quick ? 300 : 1_000;
    const side = (label: string, once: () => unknown): Side => ({
      label,
      sample: async () => ({ rate: await rateOf(once, milliseconds) }),
    });
    const metrics = [{ name: 'rate', unit: 'events/s', better: 'more' }] as const;

    await compare({
      title: 'encode',
      metrics,
      subject: side('encode', () => encode(schemaId, entry, data)),
      references: [
        { ...side('avsc alone, no header', () => entry.type.toBuffer(data)), goals: { rate: '0.9' } },
      ],
    });

    const decoder = createDecoder({ registry });
    await decoder.decode(bytes);
    const resolver = entry.type.createResolver(await registry.schemaOf(schemaId));
    const library = new registryClient.SchemaRegistry({ host });
    const options = { [registryClient.SchemaType.AVRO]: { readerSchema: entry.schema } };
    await compare({
      title: 'decode with a reader schema',
      metrics,
      subject: side('decode', () => decoder.decode(bytes)),
      references: [
        {
          ...side('avsc alone, resolver cached', () => entry.type.decode(bytes, HEADER_BYTES, resolver)),
          goals: { rate: '0.9' },
        },
        {
          ...side('registry library’s decode', () => library.decode(bytes, options as object)),
          goals: { rate: '20' },
        },
      ],
    });
  },
};

/** Runs it over and over. What answers with a promise is waited for. @returns runs a second */
async function rateOf(once: () => unknown, milliseconds: number): Promise<number> {
  const begun = performance.now();
  let count = 0;
  let spent = 0;
  while (spent < milliseconds) {
    for (let at = 0; at < TURN; at++) {
      const answer = once();
      if (answer instanceof Promise) await answer;
    }
    count += TURN;
    spent = performance.now() - begun;
  }
  return (count / spent) * 1_000;
}
