import { createDecoder } from '@walpost/kit/contract/codec';
import type { Contract } from '@walpost/kit/contract/contract';
import { CodecError, type CodecErrorCode, reason } from '@walpost/kit/contract/errors';
import type { Registry } from '@walpost/kit/contract/registry';

/** What a dead letter's bytes say, and in whose words. */
export interface Decoded {
  /** `contract`: as the service would read it; `writer`: as the schema in the registry has it. */
  readonly by?: 'contract' | 'writer';
  readonly type?: string;
  readonly data?: unknown;
  /** Why the contract could not read it and, when there is no `data`, why nobody could. */
  readonly problem?: string;
}

const MAGIC_BYTE = 0;
const HEADER_BYTES = 5;

/** Without a schema, or without the wire format, there is nothing more to try. */
const UNREADABLE: CodecErrorCode[] = ['bad-magic-byte', 'unknown-schema-id', 'registry-unavailable'];

/** Reads what can be read of a record's value. What is wrong with it, a registry that is away too, is the answer. */
export async function decodeDeadLetter(
  contract: Contract,
  registry: Registry,
  value: Buffer | null,
): Promise<Decoded> {
  if (value === null) return { problem: 'the record has no value' };
  try {
    const { type, data } = await createDecoder({ contract, registry }).decode(value);
    return { by: 'contract', type, data };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const problem = reason(error);
    const id = schemaIdOf(value);
    if (id === undefined || UNREADABLE.includes(error.code)) return { problem };
    return { problem, ...(await decodeAsWritten(registry, id, value, problem)) };
  }
}

async function decodeAsWritten(
  registry: Registry,
  id: number,
  value: Buffer,
  problem: string,
): Promise<Decoded> {
  try {
    const type = await registry.schemaOf(id);
    const { value: data, offset } = type.decode(value, HEADER_BYTES);
    // avsc's answer when the bytes end before the value does.
    if (offset < 0) return {};
    return { by: 'writer', type: type.name ?? type.typeName, data };
  } catch (error) {
    return { problem: `${problem}; with the writer's schema: ${reason(error)}` };
  }
}

/** The schema id of a value in Confluent's wire format, undefined when it is not in it. */
export function schemaIdOf(value: Buffer): number | undefined {
  return value.length >= HEADER_BYTES && value[0] === MAGIC_BYTE ? value.readUInt32BE(1) : undefined;
}
