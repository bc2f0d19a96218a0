import type { Type } from 'avsc';
import type { Contract, DomainEvent, EventData, EventName, EventType } from './contract.ts';
import { CodecError, RegistryError, reason } from './errors.ts';
import { createWireCheck } from './wire-check.ts';

// Confluent's wire format: a zero byte, the schema id in four bytes (big endian), the Avro body.
const MAGIC_BYTE = 0;
const HEADER_BYTES = 5;

/** Events are encoded here first, so that the result is allocated once and in its size; grown by a large event. */
let scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Encodes an event in Confluent's wire format.
 * @param schemaId the id under which the registry has exactly this event's schema
 * @param event the contract entry of the event
 * @param data the event; longs must be integers within ±(2^53 - 2)
 * @throws CodecError `invalid-data` naming each wrong field
 */
export function encode<N extends EventName>(
  schemaId: number,
  event: EventType<N>,
  data: EventData[N],
): Buffer {
  if (!Number.isInteger(schemaId) || schemaId < 1 || schemaId > 0x7fffffff) {
    throw new CodecError('invalid-data', `${schemaId} is not a schema id`);
  }
  try {
    let end = event.type.encode(data, scratch, HEADER_BYTES);
    if (end < 0) {
      // avsc answers a lack of room with the number of missing bytes, negated.
      scratch = Buffer.allocUnsafeSlow(2 * (scratch.length - end));
      end = event.type.encode(data, scratch, HEADER_BYTES);
    }
    scratch[0] = MAGIC_BYTE;
    scratch.writeInt32BE(schemaId, 1);
    return Buffer.from(scratch.subarray(0, end));
  } catch (error) {
    throw new CodecError('invalid-data', `${event.name}: ${wrongFields(event.type, data) || reason(error)}`, {
      cause: error,
    });
  }
}

function wrongFields(type: Type, data: unknown): string {
  const wrong: string[] = [];
  type.isValid(data, {
    errorHook: (path, value, expected) => {
      wrong.push(`${path.join('.') || 'the event'} is ${show(value)}, not a valid ${expected.typeName}`);
    },
  });
  return wrong.join('; ');
}

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Where a decoder learns the schemas of the writers; `createRegistry` makes one. */
export interface SchemaSource {
  /**
   * The type that wrote with this schema id.
   * @throws RegistryError `not-found` when there is no such id, another one when the registry cannot be asked
   */
  schemaOf(id: number): Promise<Type>;
}

export interface Decoder {
  /**
   * Decodes an event in Confluent's wire format into the contract's own version of its type.
   * Answers at once when the schema id was seen before, with a promise otherwise.
   * @throws CodecError, or rejects with it
   */
  decode(buffer: Buffer): DomainEvent | Promise<DomainEvent>;
}

/** Reads the whole buffer, header included, as the writer of one schema id wrote it. */
type Read = (buffer: Buffer) => DomainEvent;

/** Makes a decoder that asks the registry once for each schema id and keeps a resolver for it. */
export function createDecoder({
  contract,
  registry,
}: {
  contract: Contract;
  registry: SchemaSource;
}): Decoder {
  const readers = new Map<number, Read>();
  const pending = new Map<number, Promise<Read>>();

  const load = async (id: number): Promise<Read> => {
    try {
      const read = createRead(contract, id, await writerType(registry, id));
      readers.set(id, read);
      return read;
    } finally {
      pending.delete(id);
    }
  };

  return {
    decode(buffer) {
      const id = schemaId(buffer);
      const known = readers.get(id);
      if (known) return known(buffer);
      const loading = pending.get(id) ?? load(id);
      pending.set(id, loading);
      return loading.then((read) => read(buffer));
    },
  };
}

function schemaId(buffer: Buffer): number {
  if (buffer.length > 0 && buffer[0] !== MAGIC_BYTE) {
    throw new CodecError(
      'bad-magic-byte',
      `the payload starts with byte ${buffer[0]}, not 0: not the wire format`,
    );
  }
  if (buffer.length < HEADER_BYTES) {
    throw new CodecError('truncated', `${buffer.length} bytes cannot hold magic byte and schema id`);
  }
  return buffer.readUInt32BE(1);
}

async function writerType(registry: SchemaSource, id: number): Promise<Type> {
  try {
    return await registry.schemaOf(id);
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'not-found') {
      throw new CodecError('unknown-schema-id', `schema id ${id} is not in the registry`, { cause: error });
    }
    if (error instanceof RegistryError && error.code === 'not-avro') {
      throw new CodecError('incompatible-schema', reason(error), { cause: error });
    }
    throw new CodecError('registry-unavailable', `schema id ${id} could not be asked for: ${reason(error)}`, {
      cause: error,
    });
  }
}

/** Never throws: a schema that we cannot read is a lasting fact about its id, so the answer is kept like any other. */
function createRead(contract: Contract, id: number, writer: Type): Read {
  const refuse = (error: CodecError): Read => {
    return () => {
      throw new CodecError(error.code, error.message, { cause: error.cause });
    };
  };
  const event = writer.name === undefined ? undefined : contract.byFullName(writer.name);
  if (!event) {
    const name = writer.name ?? writer.typeName;
    return refuse(
      new CodecError('unknown-type', `schema id ${id} is of type ${name}, which the contract lacks`),
    );
  }
  try {
    const check = createWireCheck(writer.schema());
    const resolver = event.type.createResolver(writer);
    return (buffer) => {
      try {
        check(buffer, HEADER_BYTES);
        // Only the contract's own type can have made this value, hence the pairing of name and data.
        return {
          type: event.name,
          data: event.type.decode(buffer, HEADER_BYTES, resolver).value,
        } as DomainEvent;
      } catch (error) {
        if (error instanceof CodecError) throw new CodecError(error.code, `${event.name}: ${error.message}`);
        throw new CodecError('invalid-data', `${event.name}: ${reason(error)}`, { cause: error });
      }
    };
  } catch (error) {
    return refuse(
      new CodecError(
        'incompatible-schema',
        `schema id ${id} of ${event.name} cannot be read: ${reason(error)}`,
        {
          cause: error,
        },
      ),
    );
  }
}
