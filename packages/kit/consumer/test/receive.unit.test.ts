import { expect, test } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import type { Decoder } from '../../contract/codec.ts';
import { CodecError } from '../../contract/errors.ts';
import { receive } from '../receive.ts';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const position = { topic: 'order-events', partition: 1, offset: '7' };
const event = { type: 'OrderCancelled' as const, data: { orderId: 'o' } as never };
const decoder: Decoder = { decode: () => event };

function message(
  changes: Partial<Pick<KafkaMessage, 'key' | 'value'>> = {},
  headers: KafkaMessage['headers'] = {},
): KafkaMessage {
  return {
    key: Buffer.from('o'),
    value: Buffer.from([0]),
    timestamp: '1',
    attributes: 0,
    offset: '7',
    headers: { ce_id: Buffer.from(ID), aggregateversion: Buffer.from('3'), ...headers },
    ...changes,
  };
}

test('a good record becomes its event', async () => {
  const { result } = await receive(
    decoder,
    position,
    message({}, { traceparent: '00-x', ce_time: '2026-11-25T10:00:00.123456Z' }),
  );
  expect(result).toEqual({
    event: {
      ...event,
      id: ID,
      key: 'o',
      version: 3,
      traceparent: '00-x',
      writtenAt: Date.parse('2026-11-25T10:00:00.123456Z'),
      position,
    },
  });
});

test('an id in capitals is the same id', async () => {
  expect((await receive(decoder, position, message({}, { ce_id: ID.toUpperCase() }))).id).toBe(ID);
});

test.each([
  ['no id', message({}, { ce_id: undefined }), 'invalid-event-id'],
  ['an id that is none', message({}, { ce_id: 'x' }), 'invalid-event-id'],
  ['no version', message({}, { aggregateversion: undefined }), 'invalid-version'],
  ['version zero', message({}, { aggregateversion: '0' }), 'invalid-version'],
  ['a fraction', message({}, { aggregateversion: '1.5' }), 'invalid-version'],
  ['a version beyond the database', message({}, { aggregateversion: '2147483648' }), 'invalid-version'],
  ['no key', message({ key: null }), 'missing-key'],
  ['a key with NUL', message({ key: Buffer.from('a\0b') }), 'invalid-key'],
  ['a key beyond measure', message({ key: Buffer.alloc(5_000, 'k') }), 'invalid-key'],
  ['no value', message({ value: null }), 'missing-value'],
])('%s is the record’s own fault', async (_what, record, code) => {
  const { result } = await receive(decoder, position, record);
  expect(result).toMatchObject({ attempts: 1, error: { code, retryable: false } });
});

test('bytes that cannot be decoded are, too', async () => {
  const refusing: Decoder = {
    decode: () => {
      throw new CodecError('truncated', 'cut');
    },
  };
  expect((await receive(refusing, position, message())).result).toMatchObject({
    error: { code: 'truncated' },
  });
});

test('a registry that is away is not', async () => {
  const waiting: Decoder = { decode: () => Promise.reject(new CodecError('registry-unavailable', 'away')) };
  await expect(receive(waiting, position, message())).rejects.toMatchObject({ code: 'registry-unavailable' });
});

test('what is kept of a poisoned key fits into the database', async () => {
  const { key } = await receive(
    decoder,
    position,
    message({ key: Buffer.from(`${'\0'.repeat(5)}${'k'.repeat(900)}`) }),
  );
  expect(key).toHaveLength(200);
  expect(key).not.toContain('\0');
});
