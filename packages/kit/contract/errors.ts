export type CodecErrorCode =
  | 'bad-magic-byte'
  | 'truncated'
  | 'trailing-bytes'
  | 'invalid-data'
  | 'unknown-schema-id'
  | 'unknown-type'
  | 'incompatible-schema'
  | 'registry-unavailable';

/** A payload that cannot be written or read; only `registry-unavailable` may go away by itself. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code: CodecErrorCode;
  readonly retryable: boolean;

  constructor(code: CodecErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'registry-unavailable';
  }
}

/**
 * - `not-found`: the registry has no such id, subject or schema
 * - `rejected`: it understood the request and refused it
 * - `not-avro`: the schema is not Avro, or not a valid one
 * - `invalid-answer`: what answers at this address is not a schema registry
 * - `unavailable`: nobody there, too slow, or out of order
 */
export type RegistryErrorCode = 'not-found' | 'rejected' | 'not-avro' | 'invalid-answer' | 'unavailable';

/** A request to the schema registry that failed; only `unavailable` may go away by itself. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: RegistryErrorCode;
  readonly retryable: boolean;

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'unavailable';
  }
}

/** What went wrong, in one line, whatever was thrown; some errors of Node have a code and no message. */
export function reason(error: unknown): string {
  const { message, code } = Object(error) as { message?: unknown; code?: unknown };
  return String(message || code || error).split('\n', 1)[0] ?? '';
}
