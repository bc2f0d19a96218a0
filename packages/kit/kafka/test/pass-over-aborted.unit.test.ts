import '../create-kafka.ts';
import { expect, test } from '@jest/globals';
import { insideKafkajs } from '../inside-kafkajs.ts';
import type { Fetched } from '../pass-over-aborted.ts';

interface Inside {
  Batch: new (topic: string, from: string, partition: object) => KafkaBatch;
  parse(answer: Fetched): Promise<{ responses: { partitions: object[] }[] }>;
}
interface KafkaBatch {
  messages: { offset: string }[];
  lastOffset(): string;
  isEmptyDueToFiltering(): boolean;
}

/** `a3` is a record of producer a at offset 3, `a3!` its abort marker, `a3.` its commit marker, `-3` one of no transaction. */
function record(text: string) {
  const [, producer = '', offset = '', end = ''] = /^(.)(\d+)(.?)$/.exec(text) ?? [];
  const batchContext = { producerId: producer, inTransaction: producer !== '-' };
  const key = end === '' ? null : Buffer.from([0, 0, 0, end === '!' ? 0 : 1]);
  return { offset, key, isControlRecord: '!.'.includes(end) && end !== '', batchContext };
}

const words = (text: string) => text.split(' ').filter((word) => word !== '');

/** What kafkajs makes of an answer: from what it has decoded to the batch that a consumer is given. */
async function batchOf(records: string, aborted: string, from: string, changes = {}): Promise<KafkaBatch> {
  const Batch = insideKafkajs<Inside['Batch']>('consumer/batch.js');
  const response = insideKafkajs<Pick<Inside, 'parse'>>('protocol/requests/fetch/v11/response.js');
  if (!Batch || !response) throw new Error('another version of kafkajs');
  const abortedTransactions = words(aborted).map(record).map(begin);
  const messages = words(records).map((word) => ({ ...record(word), ...(!/[!.]/.test(word) && changes) }));
  const partition = { partition: 0, errorCode: 0, highWatermark: '99', abortedTransactions, messages };
  const answer = await response.parse({ errorCode: 0, responses: [{ partitions: [partition] }] } as Fetched);
  return new Batch('topic', from, answer.responses[0]?.partitions[0] ?? {});
}

function begin({ offset, batchContext: { producerId } }: ReturnType<typeof record>) {
  return { producerId, firstOffset: offset };
}

test.each([
  ['one after the other', 'a0 a1! b2 b3! -4', 'a0 b2', '4'],
  ['one inside the other: the list is in the order of their ends', 'a0 b1 b2! a3 a4! -5', 'b1 a0', '5'],
  [
    'many begun before the first record, in a list of the right order',
    'b10 a11 a12! b13! -14',
    'a1 b2',
    '14',
  ],
  ['the same, in the order of their ends', 'a10 b11 b12! a13! -14', 'b2 a1', '14'],
  ['an aborted beside a committed one', 'a0 b1 a2 a3! b4 b5.', 'a0', '1 4'],
  ['one producer: aborted, committed, aborted', 'a0 a1! a2 a3. a4 a5!', 'a0 a4', '2'],
  ['offsets of more digits', 'b9 a10 a11! b12! -13', 'a10 b9', '13'],
  ['none aborted', 'a0 -1 a2.', '', '0 1'],
])('no record of an aborted transaction is handed out: %s', async (_how, records, aborted, left) => {
  const batch = await batchOf(records, aborted, '0');
  expect(batch.messages.map(({ offset }) => offset)).toEqual(words(left));
  expect(batch.lastOffset()).toBe(record(words(records).at(-1) ?? '').offset);
});

test('an aborted record with a key of four zeros ends no transaction', async () => {
  const batch = await batchOf('a0 a1 a2!', 'a0', '0', { key: Buffer.alloc(4) });
  expect(batch.messages).toEqual([]);
});

test('an answer of nothing but aborted records is read past', async () => {
  const batch = await batchOf('b5 a6 b7', 'a1 b0', '5');
  expect(batch.isEmptyDueToFiltering()).toBe(true);
  expect(batch.lastOffset()).toBe('7');
});
