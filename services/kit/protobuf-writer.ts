/** What each hexadecimal digit's character code stands for. */
const DIGITS = Uint8Array.from(
  { length: 128 },
  (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0,
);

/** The most bytes that a tag and a length take: a message is shorter than 4 GiB. */
const HEAD = 6;
const LONGEST_VARINT = 10;

/**
 * Writes the wire format of Protocol Buffers into one buffer, which grows and is used again. A tag is the field's number
 * times eight plus its wire type, and here always one byte.
 *
 * Source: protobuf.dev/programming-guides/encoding.
 */
export class ProtobufWriter {
  private bytes = Buffer.allocUnsafe(64 * 1024);
  private at = 0;

  /** How many bytes have been written since the last `take`. */
  get length(): number {
    return this.at;
  }

  /** @returns what has been written since the last call, in memory of its own */
  take(): Uint8Array {
    const taken = Uint8Array.prototype.slice.call(this.bytes, 0, this.at);
    this.at = 0;
    return taken;
  }

  /**
   * Begins a message within this one. Its length stands before it, and is known when it is closed.
   *
   * @param lengthBytes as many as the length will probably take; others are as right, but cost a copy
   * @returns what `close` must be given, with the same number of bytes
   */
  open(tag: number, lengthBytes: number): number {
    this.makeRoom(HEAD);
    this.bytes[this.at++] = tag;
    this.at += lengthBytes;
    return this.at;
  }

  close(start: number, lengthBytes: number): void {
    const length = this.at - start;
    const needed = varintBytes(length);
    if (needed !== lengthBytes) {
      this.makeRoom(HEAD);
      this.bytes.copyWithin(start + needed - lengthBytes, start, this.at);
    }
    this.at = start - lengthBytes;
    this.writeVarint(length);
    this.at += length;
  }

  /** Appends bytes that are in the wire format already. */
  raw(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** @param value an integer, as int32 or int64 */
  integer(tag: number, value: number): void {
    this.makeRoom(HEAD + LONGEST_VARINT);
    this.bytes[this.at++] = tag;
    this.writeVarint(value);
  }

  double(tag: number, value: number): void {
    this.makeRoom(HEAD + 8);
    this.bytes[this.at++] = tag;
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  /** @param high the upper 32 bits of the number, @param low the lower ones */
  fixed64(tag: number, high: number, low: number): void {
    this.makeRoom(HEAD + 8);
    this.bytes[this.at++] = tag;
    this.writeFixed32(low);
    this.writeFixed32(high);
  }

  text(tag: number, value: string): void {
    const { length } = value;
    // A character of UTF-16 takes at most three bytes in UTF-8.
    this.makeRoom(HEAD + 3 * length);
    const { bytes } = this;
    bytes[this.at++] = tag;
    const start = this.at;
    this.writeVarint(length);
    let { at } = this;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) {
        this.at = start;
        this.writeVarint(Buffer.byteLength(value));
        this.at += bytes.write(value, this.at);
        return;
      }
      bytes[at++] = code;
    }
    this.at = at;
  }

  /** @param digits hexadecimal, lower case, an even number, of fewer than 128 bytes */
  hex(tag: number, digits: string): void {
    const { length } = digits;
    this.makeRoom(HEAD + length / 2);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = tag;
    bytes[at++] = length / 2;
    for (let i = 0; i < length; i += 2) {
      bytes[at++] = ((DIGITS[digits.charCodeAt(i)] ?? 0) << 4) | (DIGITS[digits.charCodeAt(i + 1)] ?? 0);
    }
    this.at = at;
  }

  private writeVarint(value: number): void {
    const { bytes } = this;
    if (value < 0 || value > 0x7fffffff) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 0x7fn; rest >>= 7n) bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      bytes[this.at++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) bytes[this.at++] = (rest & 0x7f) | 0x80;
    bytes[this.at++] = rest;
  }

  private writeFixed32(value: number): void {
    const { bytes } = this;
    bytes[this.at++] = value;
    bytes[this.at++] = value >>> 8;
    bytes[this.at++] = value >>> 16;
    bytes[this.at++] = value >>> 24;
  }

  private makeRoom(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.at + size));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

function varintBytes(length: number): number {
  let bytes = 1;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}
