import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { snappyUncompressor } from 'hysnappy';
import kafkajs, { type KafkaMessage } from 'kafkajs';
import { messageOf } from '../telemetry/describe-error.ts';
import { crc32c } from './crc32c.ts';
import { decompressLz4 } from './lz4.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** A batch may not become larger than this, bytes: a few kB of zeros can be a GB. Producers keep far below it. */
const LIMIT = 64 * 1024 * 1024;

/** The fields of a record batch in front of its records (Kafka protocol, "Record Batch"), in bytes before them. */
const BEFORE_RECORDS = { checksum: 44, checked: 40, count: 4 };
/** The most records that a batch is believed to have. */
const MOST_RECORDS = 1_000_000;

/** The name of the header that says what is wrong with a batch; nobody outside of this process can know it. */
const DAMAGE = `damage-${randomUUID()}`;

type Decompressor = (compressed: Buffer, limit: number) => Buffer | Promise<Buffer>;

const gunzipAsync = promisify(gunzip);
const uncompressSnappy = snappyUncompressor();

const decompressors: Record<number, { name: string; decompress: Decompressor }> = {
  [CompressionTypes.GZIP]: {
    name: 'gzip',
    decompress: (compressed, limit) => gunzipAsync(compressed, { maxOutputLength: limit }),
  },
  [CompressionTypes.Snappy]: { name: 'snappy', decompress: decompressSnappy },
  [CompressionTypes.LZ4]: { name: 'lz4', decompress: decompressLz4 },
  [CompressionTypes.ZSTD]: { name: 'zstd', decompress: decompressZstd },
};

/**
 * Has kafkajs read batches of every codec that Kafka has: any producer, and a topic's own setting, may choose one.
 * kafkajs alone reads gzip; any other ends its consumer, again and again, for as long as the record lives.
 *
 * A batch that cannot be read would do the same. Its records are handed on as such: see `damageOf`.
 */
export function registerCodecs(): void {
  const gzip: { compress: unknown } = CompressionCodecs[CompressionTypes.GZIP]();
  const codecs = CompressionCodecs as Record<number, () => unknown>;
  for (const [type, { name, decompress }] of Object.entries(decompressors)) {
    const codec = {
      decompress: (compressed: Buffer) => readBatch(name, decompress, compressed),
      ...(Number(type) === CompressionTypes.GZIP && { compress: gzip.compress }),
    };
    codecs[Number(type)] = () => codec;
  }
}

/** Why the batch that a record is in could not be read; undefined when it could. The record has nothing else. */
export function damageOf({ headers }: Pick<KafkaMessage, 'headers'>): string | undefined {
  return headers?.[DAMAGE]?.toString();
}

/** Decompresses the records of a batch, or puts as many in their place that say why that cannot be done. */
async function readBatch(name: string, decompress: Decompressor, compressed: Buffer): Promise<Buffer> {
  try {
    // Some formats have no checksum of their own, and kafkajs does not look at Kafka's.
    if (!isWhole(compressed)) throw new RangeError('its checksum is wrong');
    return await decompress(compressed, LIMIT);
  } catch (error) {
    const count = before(compressed, BEFORE_RECORDS.count)?.readInt32BE() ?? 0;
    if (count <= 0 || count > MOST_RECORDS) throw error;
    const reason = messageOf(error);
    const damage = `the batch is damaged, or compressed in another way than ${name}: ${reason}`;
    return Buffer.concat(Array.from({ length: count }, (_, offset) => damagedRecord(offset, damage)));
  }
}

function isWhole(records: Buffer): boolean {
  const checksum = before(records, BEFORE_RECORDS.checksum);
  const checked = before(records, BEFORE_RECORDS.checked);
  return !checksum || !checked || crc32c(checked) === checksum.readUInt32BE();
}

/** The same memory from so many bytes earlier on: kafkajs hands out the records as a part of the answer they came in. */
function before(records: Buffer, bytes: number): Buffer | undefined {
  const { buffer, byteOffset, length } = records;
  return byteOffset < bytes ? undefined : Buffer.from(buffer, byteOffset - bytes, length + bytes);
}

/** A record (Kafka protocol, "Record") without key and value, with one header. */
function damagedRecord(offset: number, damage: string): Buffer {
  const body = Buffer.concat([
    Buffer.from([0, 0]), // no attributes, the batch's time
    varint(offset),
    varint(-1),
    varint(-1),
    varint(1),
    ...[DAMAGE, damage].flatMap((text) => [varint(Buffer.byteLength(text)), Buffer.from(text)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

/** A signed number as Kafka writes it: zigzag, seven bits a byte. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** What snappy-java writes in front of its blocks. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

function decompressSnappy(compressed: Buffer, limit: number): Buffer {
  if (!compressed.subarray(0, 8).equals(XERIAL)) return decompressSnappyBlock(compressed, limit);
  const blocks: Buffer[] = [];
  let left = limit;
  // Two versions follow the name.
  for (let at = 16; at < compressed.length; ) {
    const length = compressed.readInt32BE(at);
    if (length <= 0 || at + 4 + length > compressed.length) throw new RangeError('a snappy block is cut off');
    const block = decompressSnappyBlock(compressed.subarray(at + 4, at + 4 + length), left);
    blocks.push(block);
    left -= block.length;
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

function decompressSnappyBlock(block: Buffer, limit: number): Buffer {
  let size = 0;
  for (let at = 0, unit = 1; ; at++, unit *= 128) {
    const byte = block.readUInt8(at);
    size += (byte % 128) * unit;
    if (size > limit) throw new RangeError(`more than ${limit} bytes`);
    if (byte < 128) break;
  }
  const { buffer, byteOffset, length } = uncompressSnappy(block, size);
  return Buffer.from(buffer, byteOffset, length);
}

function decompressZstd(compressed: Buffer, limit: number): Buffer {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((chunk) => {
    size += chunk.length;
    if (size > limit) throw new RangeError(`more than ${limit} bytes`);
    chunks.push(chunk);
  });
  stream.push(compressed, true);
  return Buffer.concat(chunks);
}
