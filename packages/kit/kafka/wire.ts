/** Kafka's data types as its newer requests write them (Kafka protocol, "Protocol Primitive Types"). */
export class Writer {
  readonly #parts: Buffer[] = [];

  bool(value: boolean): this {
    return this.#add(Buffer.from([value ? 1 : 0]));
  }

  int32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return this.#add(bytes);
  }

  /** A COMPACT_STRING. */
  string(value: string): this {
    const bytes = Buffer.from(value);
    return this.#length(bytes.length + 1).#add(bytes);
  }

  /** A COMPACT_ARRAY. */
  array<T>(values: readonly T[], write: (writer: Writer, value: T) => unknown): this {
    this.#length(values.length + 1);
    for (const value of values) write(this, value);
    return this;
  }

  /** The end of a structure: no tagged fields. */
  end(): this {
    return this.#length(0);
  }

  taken(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** An UNSIGNED_VARINT. */
  #length(value: number): this {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    return this.#add(Buffer.from([...bytes, rest]));
  }

  #add(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }
}

/** Reads what `Writer` writes, and the other types of answers. @throws {RangeError} beyond the end */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#forward(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#forward(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#forward(8));
  }

  /** A COMPACT_STRING, or a COMPACT_NULLABLE_STRING, which is '' when it is null. */
  string(): string {
    const length = this.#length() - 1;
    if (length <= 0) return '';
    const from = this.#forward(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  /** A COMPACT_ARRAY. */
  array<T>(read: (reader: Reader) => T): T[] {
    const values: T[] = [];
    for (let left = this.#length() - 1; left > 0; left--) values.push(read(this));
    return values;
  }

  uuid(): void {
    this.#forward(16);
  }

  /** The end of a structure; its tagged fields are passed over. */
  end(): void {
    for (let left = this.#length(); left > 0; left--) {
      this.#length();
      this.#forward(this.#length());
    }
  }

  #length(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#forward(1));
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  #forward(bytes: number): number {
    const from = this.#at;
    if (from + bytes > this.#bytes.length) throw new RangeError('the answer ends too early');
    this.#at += bytes;
    return from;
  }
}
