import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from '@jest/globals';
import { snappyCompress } from 'hysnappy';
import kafkajs from 'kafkajs';
import { damageOf, registerCodecs } from '../codecs.ts';
import { crc32c } from '../crc32c.ts';
import { decompressLz4 } from '../lz4.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** Several blocks of every format, and each refers to what came before. */
const TEXT = Buffer.from(Array.from({ length: 30_000 }, (_, at) => `order ${at % 7} `).join(''));

/** What the tools `lz4` and `zstd` made of the text, packed for this file. */
const sample = (packed: string) => gunzipSync(Buffer.from(packed, 'base64'));

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** As snappy-java does: a name, two versions, and blocks with their lengths. */
function xerial(text: Buffer): Buffer {
  const blocks = [text.subarray(0, 100_000), text.subarray(100_000)].map((part) => snappyCompress(part));
  const name = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
  return Buffer.concat([
    name,
    int32(1),
    int32(1),
    ...blocks.flatMap((block) => [int32(block.length), block]),
  ]);
}

const ZSTD_OF_A_GIGABYTE =
  'H4sIAAAAAAACA+3UsQ2CUABF0QcSY2LzZ6Cio6a3tGAMlnAWSydwC0biB2idwVOcBW5xh+9Yu+WZ3NJk26fStikB/s8jOTdQ9/Ve5AAbkANsQA6wAUnABgAbAGwAsAHABgAbAGwAsAHABgAbAGwAsAHABgAbAGwAsAHABgAbAGwAsAHABgAbAGwAsAHABoBfl/ma/vN6H2NzTwQVeAAA';

type Codec = { decompress(compressed: Buffer): Promise<Buffer> };
const codec = (type: keyof typeof CompressionCodecs): Codec => CompressionCodecs[type]();

beforeAll(registerCodecs);

const compressed: [string, keyof typeof CompressionCodecs, Buffer][] = [
  ['gzip', CompressionTypes.GZIP, gzipSync(TEXT)],
  ['snappy', CompressionTypes.Snappy, Buffer.from(snappyCompress(TEXT))],
  ['snappy as Java writes it', CompressionTypes.Snappy, xerial(TEXT)],
  [
    'lz4 of linked blocks, with a checksum',
    CompressionTypes.LZ4,
    sample(
      'H4sIAAAAAAACA2NR8pVwcYjTZmRgaMovSkktUjBQ4GAQNgRiIyA2BmITIDblYNA3U7Bg+D/CwYYAYAgZKnABg4t/NDRegELDeDQ0kELDVGELwxALDSGQu00UgM5mqBQ6mQ8APQpREBIEAAA=',
    ),
  ],
  [
    'lz4 of independent blocks, as Java writes it',
    CompressionTypes.LZ4,
    sample(
      'H4sIAAAAAAACA2NR8pVIcGjSZmRgaMovSkktUjBQ4GAQNgRiIyA2BmITIDblYNA3U7Bg+D/CwYYAYAgZKiAFl5ECajAJmwGxATC4DEeDCxJcxsjBZaKAGkywlKZvPBpckOAyVbjCAA8uMwXUYIKlNH3ToRRcNwPAMQ/0FgMA+o/quXAEAAA=',
    ),
  ],
  [
    'lz4 with block checksums and size',
    CompressionTypes.LZ4,
    sample(
      'H4sIAAAAAAACA2NR8pWIcWhYycwAAp7ajAwMTflFKalFCgYKHAzChkBsBMTGQGwCxKYcDPpmChYM/0c42BAADCFDBf2lq3m5gEHGPxoiL0AhYqxgJHu6YDREECFiqvCtxvneFoYhFiJCILebKPxYdyMNVC5UCp3MBwDobWbKKgQAAA==',
    ),
  ],
  [
    'zstd',
    CompressionTypes.ZSTD,
    sample(
      'H4sIAAAAAAACAwE/AMD/KLUv/aSAqQMAFAEAeG9yZGVyIDAgMTIzNDU2IAcgcC0exf87I8ecdOdYnYhFLlUAAAABAH2p4/+5BgJV2mbJDT8CKj8AAAA=',
    ),
  ],
];

/** The bytes as kafkajs hands them out: a part of the batch that they came in, here with two records and no checksum. */
function inBatch(records: Buffer, checksum?: number): Buffer {
  const batch = Buffer.concat([Buffer.alloc(61), records]);
  batch.writeInt32BE(2, 57);
  batch.writeUInt32BE(checksum ?? crc32c(batch.subarray(21)), 17);
  return batch.subarray(61);
}

test.each(compressed)('%s is read', async (_name, type, bytes) => {
  expect((await codec(type).decompress(inBatch(bytes))).equals(TEXT)).toBe(true);
});

test.each(compressed)(
  '%s that is damaged anywhere says so in place of its records',
  async (_name, type, bytes) => {
    const checksum = crc32c(Buffer.concat([Buffer.alloc(36), int32(2), bytes]));
    for (const at of [0, 5, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const broken = Buffer.from(bytes);
      broken.writeUInt8(broken.readUInt8(at) ^ 0x55, at);
      const text = (await codec(type).decompress(inBatch(broken, checksum))).toString();
      expect(
        text.match(/the batch is damaged, or compressed in another way than \w+: its checksum is wrong/g),
      ).toHaveLength(2);
    }
  },
);

test.each(compressed)('%s that is cut off ends in an error, not in a loop', async (_name, type, bytes) => {
  for (const length of [1, Math.floor(bytes.length / 2)]) {
    const text = (await codec(type).decompress(inBatch(bytes.subarray(0, length)))).toString();
    expect(text.includes('the batch is damaged, or compressed in another way')).toBe(true);
  }
});

test.each<[string, keyof typeof CompressionCodecs, Buffer]>([
  ['gzip', CompressionTypes.GZIP, gzipSync(Buffer.alloc(65 * 1024 * 1024))],
  ['snappy', CompressionTypes.Snappy, Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0])],
  ['zstd', CompressionTypes.ZSTD, sample(ZSTD_OF_A_GIGABYTE)],
])('%s that becomes too large is not held in memory', async (_name, type, bytes) => {
  const text = (await codec(type).decompress(inBatch(bytes))).toString();
  expect(text).toMatch(/more than|larger than/);
});

test('lz4 stops at its limit', () => {
  const [, , bytes] = compressed.find(([name]) => name.startsWith('lz4')) ?? [];
  expect(() => decompressLz4(bytes ?? Buffer.alloc(0), 100_000)).toThrow('more than 100000 bytes');
});

test('a record that is whole has no damage, whatever headers it has', () => {
  expect(damageOf({ headers: { damage: 'x' } })).toBeUndefined();
});

test('CRC-32C of the standard’s own example', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3_06_92_83);
});
