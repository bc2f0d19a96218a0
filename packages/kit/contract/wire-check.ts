import { type AvroField, type AvroNode, type PrimitiveName, parseSchema } from './avro-schema.ts';
import { CodecError } from './errors.ts';

/** Walks one value of a schema through the bytes, moving the cursor behind it. */
type Walk = (cursor: Cursor) => void;

/**
 * Builds the check that a buffer holds exactly one value of a schema (Avro 1.12, "Binary Encoding").
 *
 * avsc trusts its input: a block count of 2^32 makes it loop for minutes over bytes that are not there, a negative
 * block size makes it skip backwards for ever. So lengths and counts are held against the bytes at hand beforehand.
 * @param schema the writer's schema
 * @returns a check that takes the buffer and the offset of the value, and throws CodecError `truncated`,
 *   `trailing-bytes` or `invalid-data`
 */
export function createWireCheck(schema: unknown): (buffer: Buffer, offset: number) => void {
  const walk = walker(parseSchema(schema), new Map());
  return (buffer, offset) => {
    const cursor = new Cursor(buffer, offset);
    walk(cursor);
    if (cursor.offset < buffer.length) {
      throw new CodecError(
        'trailing-bytes',
        `${buffer.length - cursor.offset} bytes too many after the value`,
      );
    }
  };
}

class Cursor {
  readonly buffer: Buffer;
  readonly end: number;
  offset: number;

  constructor(buffer: Buffer, offset: number) {
    this.buffer = buffer;
    this.end = buffer.length;
    this.offset = offset;
  }

  skip(bytes: number): void {
    if (bytes > this.end - this.offset) throw this.#tooEarly();
    this.offset += bytes;
  }

  byte(): number {
    if (this.offset >= this.end) throw this.#tooEarly();
    return this.buffer[this.offset++] ?? 0;
  }

  /** A variable-length zig-zag number; exact up to 2^53, which is all that counts and lengths need. */
  varint(maxBytes: number): number {
    const first = this.byte();
    // Most lengths and counts are this short.
    if (first < 0x80) return first % 2 === 0 ? first >> 1 : -(first + 1) >> 1;
    let value = first & 0x7f;
    let factor = 128;
    for (let length = 2; length <= maxBytes; length++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 128;
    }
    throw invalid(`a number of more than ${maxBytes} bytes`);
  }

  int(): number {
    const value = this.varint(5);
    if (value < -0x80000000 || value > 0x7fffffff) throw invalid('an int of more than 32 bits');
    return value;
  }

  bytes(): void {
    const length = this.varint(10);
    if (length < 0) throw invalid('a negative length');
    this.skip(length);
  }

  #tooEarly(): CodecError {
    return new CodecError('truncated', `the value ends after ${this.end} bytes, too early`);
  }
}

function walker(node: AvroNode, known: Map<AvroNode, Walk>): Walk {
  switch (node.kind) {
    case 'primitive':
      return PRIMITIVES[node.type];
    case 'fixed':
      return (cursor) => cursor.skip(node.size);
    case 'enum':
      return (cursor) => index(cursor, node.symbols.length, 'symbol');
    case 'union': {
      const branches = node.branches.map((branch) => walker(branch, known));
      return (cursor) => branches[index(cursor, branches.length, 'union branch')]?.(cursor);
    }
    case 'array':
      return blocks(walker(node.items, known));
    case 'map': {
      const value = walker(node.values, known);
      return blocks((cursor) => {
        cursor.bytes();
        value(cursor);
      });
    }
    case 'record':
      return record(node, node.fields, known);
  }
}

const PRIMITIVES: Record<PrimitiveName, Walk> = {
  null: () => undefined,
  boolean: (cursor) => {
    if (cursor.byte() > 1) throw invalid('a boolean that is neither 0 nor 1');
  },
  int: (cursor) => cursor.int(),
  long: (cursor) => cursor.varint(10),
  float: (cursor) => cursor.skip(4),
  double: (cursor) => cursor.skip(8),
  bytes: (cursor) => cursor.bytes(),
  string: (cursor) => cursor.bytes(),
};

function record(node: AvroNode, fields: readonly AvroField[], known: Map<AvroNode, Walk>): Walk {
  const existing = known.get(node);
  if (existing) return existing;
  let walks: Walk[] = [];
  const walk: Walk = (cursor) => {
    for (const field of walks) field(cursor);
  };
  known.set(node, walk);
  walks = fields.map((field) => walker(field.type, known));
  return walk;
}

function index(cursor: Cursor, size: number, what: string): number {
  const value = cursor.int();
  if (value < 0 || value >= size) throw invalid(`${what} ${value} of ${size}`);
  return value;
}

function blocks(item: Walk): Walk {
  return (cursor) => {
    let total = 0;
    for (let count = cursor.varint(10); count !== 0; count = cursor.varint(10)) {
      const size = count < 0 ? cursor.varint(10) : undefined;
      total += Math.abs(count);
      // An item may take no bytes at all (null), so the bytes at hand do not bound the loop by themselves.
      if (total > cursor.end) throw new CodecError('truncated', `${total} items announced, too few bytes`);
      const start = cursor.offset;
      for (let left = Math.abs(count); left > 0; left--) item(cursor);
      if (size !== undefined && cursor.offset - start !== size)
        throw invalid('a block that is not of its stated size');
    }
  };
}

function invalid(what: string): CodecError {
  return new CodecError('invalid-data', `the bytes hold ${what}`);
}
