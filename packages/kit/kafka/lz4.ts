/** The only frame that Kafka's clients write (LZ4 frame format 1.6). */
const MAGIC = 0x18_4d_22_04;
const VERSION = 0x40;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const DICTIONARY_ID = 0x01;
/** A block that is stored as it is. */
const UNCOMPRESSED = 0x80_00_00_00;
const SHORTEST_MATCH = 4;

/**
 * Decompresses an LZ4 frame. No package on npm that is looked after reads frames whose blocks refer to each other, as
 * librdkafka writes them.
 *
 * @throws {RangeError} when it is damaged, or more than `limit` bytes come out
 */
export function decompressLz4(frame: Buffer, limit: number): Buffer {
  if (frame.readUInt32LE(0) !== MAGIC) throw new RangeError('it does not begin as an LZ4 frame');
  const flags = frame.readUInt8(4);
  if ((flags & 0xc0) !== VERSION) throw new RangeError('an LZ4 frame of an unknown version');
  let at = 7 + (flags & CONTENT_SIZE ? 8 : 0) + (flags & DICTIONARY_ID ? 4 : 0);
  const output = new Output(limit);
  for (;;) {
    const size = frame.readUInt32LE(at);
    at += 4;
    if (size === 0) return output.taken();
    const length = size % UNCOMPRESSED;
    if (at + length > frame.length) throw new RangeError('an LZ4 block is cut off');
    const block = frame.subarray(at, at + length);
    if (size >= UNCOMPRESSED) output.append(block);
    else decompressBlock(block, output);
    at += length + (flags & BLOCK_CHECKSUM ? 4 : 0);
  }
}

function decompressBlock(block: Buffer, output: Output): void {
  let at = 0;
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble < 15) return total;
    for (;;) {
      const more = block.readUInt8(at++);
      total += more;
      if (more < 255) return total;
    }
  };
  for (;;) {
    const token = block.readUInt8(at++);
    const literals = length(token >> 4);
    if (at + literals > block.length) throw new RangeError('LZ4 literals are cut off');
    output.append(block.subarray(at, at + literals));
    at += literals;
    // The last sequence has no match.
    if (at === block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    output.repeat(distance, length(token & 15) + SHORTEST_MATCH);
  }
}

/** Bytes so far, in a buffer that grows. */
class Output {
  readonly #limit: number;
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  append(bytes: Buffer): void {
    this.#reserve(bytes.length);
    bytes.copy(this.#buffer, this.#size);
    this.#size += bytes.length;
  }

  /** Appends what is `distance` before the end; the two may overlap. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.#size)
      throw new RangeError('an LZ4 match from before the beginning');
    this.#reserve(length);
    for (let end = this.#size + length; this.#size < end; this.#size++)
      this.#buffer[this.#size] = this.#buffer[this.#size - distance] ?? 0;
  }

  taken(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  #reserve(more: number): void {
    const needed = this.#size + more;
    if (needed > this.#limit) throw new RangeError(`more than ${this.#limit} bytes`);
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }
}
