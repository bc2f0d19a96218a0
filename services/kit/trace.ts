import { randomUUID } from 'node:crypto';

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/**
 * Continues a trace, or begins one, in the form of W3C Trace Context level 1.
 *
 * @param parent a received `traceparent`; anything malformed is ignored, as the specification asks
 * @returns a `traceparent` with the same trace id and a span id of its own
 */
export function childTraceparent(parent: string | undefined): string {
  const [, traceId, flags] = TRACEPARENT.exec(parent ?? '') ?? [];
  return `00-${traceId ?? randomHex()}-${randomHex().slice(16)}-${flags ?? '01'}`;
}

/** 32 digits, never all zero. Node keeps random bytes for UUIDs in store; others it would fetch one by one. */
function randomHex(): string {
  return randomUUID().replaceAll('-', '');
}
