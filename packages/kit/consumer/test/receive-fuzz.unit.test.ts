import { expect, test } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import { contract } from '../../../../schemas/contract.generated.ts';
import { createDecoder, encode, type SchemaSource } from '../../contract/codec.ts';
import type { EventName } from '../../contract/contract.ts';
import { RegistryError } from '../../contract/errors.ts';
import { classify } from '../failure.ts';
import { receive } from '../receive.ts';

const MESSAGES = 100_000;
const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const position = { topic: 'order-events', partition: 1, offset: '7' };
const orderId = ID;
const money = { orderId, customerId: 'ada', currency: 'EUR', totalAmount: 2_500 };
const items = [{ sku: 'BOOK-1', quantity: 2, unitPrice: 1_250 }];
const names: EventName[] = ['OrderCreated', 'OrderConfirmed', 'OrderCancelled', 'StockReserved'];
const good = [
  encode(1, contract.eventType('OrderCreated'), { ...money, items, createdAt: 1 }),
  encode(2, contract.eventType('OrderConfirmed'), { ...money, confirmedAt: 1 }),
  encode(3, contract.eventType('OrderCancelled'), { ...money, reason: 'why', cancelledAt: 1 }),
  encode(4, contract.eventType('StockReserved'), {
    orderId,
    items: [{ sku: 'BOOK-1', quantity: 2 }],
    reservedAt: 1,
  }),
];

let asked = 0;
const registry: SchemaSource = {
  async schemaOf(id) {
    asked++;
    const name = names[id - 1];
    if (name === undefined) throw new RegistryError('not-found', `no schema ${id}`);
    return contract.eventType(name).type;
  },
};

/** The same bytes at every run (a linear congruential generator). */
let state = 7;
function below(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function mutate(source: Buffer): Buffer {
  const bytes = Buffer.from(source);
  for (let times = 1 + below(4); times > 0; times--) {
    // Mostly behind the schema id, so that bytes are read at all.
    const at = below(20) === 0 ? below(5) : 5 + below(bytes.length - 5);
    bytes[at] = below(256);
  }
  const end = below(4);
  if (end === 0) return bytes.subarray(0, below(bytes.length + 1));
  if (end === 1) return Buffer.concat([bytes, bytes.subarray(0, below(30))]);
  return bytes;
}

function message(value: Buffer): KafkaMessage {
  return {
    key: Buffer.from(orderId),
    value,
    timestamp: '1',
    attributes: 0,
    offset: '7',
    headers: { ce_id: ID, aggregateversion: '3' },
  };
}

test('100,000 mutated messages: each is an event or has its reason, none hangs, none grows the memory', async () => {
  const decoder = createDecoder({ contract, registry });
  const reasons = new Map<string, number>();
  let slowest = 0;
  let heap = 0;
  for (let number = 0; number < MESSAGES; number++) {
    if (number === MESSAGES / 2) heap = process.memoryUsage().heapUsed;
    const value = mutate(good[number % good.length] ?? Buffer.alloc(0));
    const begun = performance.now();
    const { result } = await receive(decoder, position, message(value));
    slowest = Math.max(slowest, performance.now() - begun);
    if ('error' in result) {
      // What is wrong with it for good makes it a dead letter at its first attempt.
      if (classify(result.error) !== 'dead-letter') throw result.error;
      const code = String((result.error as { code?: unknown }).code);
      reasons.set(code, (reasons.get(code) ?? 0) + 1);
    }
  }
  const refused = [...reasons.values()].reduce((sum, each) => sum + each, 0);
  expect(refused).toBeGreaterThan(MESSAGES / 2);
  expect(refused).toBeLessThan(MESSAGES);
  for (const code of ['truncated', 'bad-magic-byte', 'unknown-schema-id', 'invalid-data'])
    expect(reasons.get(code)).toBeGreaterThan(0);
  expect(slowest).toBeLessThan(2_000);
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(100 * 1024 * 1024);
  expect(asked).toBeLessThan(MESSAGES / 10);
});
