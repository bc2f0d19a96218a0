import type { Decoder } from '@walpost/schemas/codec';
import type { DomainEvent, EventName } from '@walpost/schemas/contract';
import { CodecError } from '@walpost/schemas/errors';
import type { IHeaders, KafkaMessage } from 'kafkajs';
import { validate as isUuid } from 'uuid';
import type { Classified } from './errors.js';

/** Where a record stands in Kafka. Offsets are text: they are 64 bits wide. */
export interface Position {
  topic: string;
  partition: number;
  offset: string;
}

/** A decoded event with what its record's headers say of it. */
export type ReceivedEvent<N extends EventName = EventName> = DomainEvent<N> & {
  /** The CloudEvents id; what the inbox knows an event by. */
  id: string;
  /** The record's key: the order id. */
  key: string;
  /** The event's place in the history of its key in this topic: 1, 2, 3 … */
  version: number;
  traceparent: string | undefined;
  position: Position;
};

/** A record that is not what the contract promises. Trying again does not help. */
export class MessageError extends Error implements Classified {
  readonly retryable = false;
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Makes an event of a record.
 *
 * @throws {MessageError} a header or the key is missing or malformed
 * @throws {CodecError} the bytes cannot be decoded (not retryable), or the registry is away (retryable)
 */
export async function receive(
  decoder: Decoder,
  topic: string,
  partition: number,
  message: KafkaMessage,
): Promise<ReceivedEvent> {
  const id = header(message.headers, 'ce_id');
  if (!isUuid(id))
    throw new MessageError('invalid-event-id', `header ce_id is no UUID: ${JSON.stringify(id)}`);
  const version = Number(header(message.headers, 'aggregateversion'));
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new MessageError('invalid-version', 'header aggregateversion is no positive integer');
  }
  if (!message.key) throw new MessageError('missing-key', 'the record has no key');
  if (!message.value) throw new CodecError('truncated', 'the record has no value');
  const event = await decoder.decode(message.value);
  return {
    ...event,
    id,
    key: message.key.toString(),
    version,
    traceparent: header(message.headers, 'traceparent') || undefined,
    position: { topic, partition, offset: message.offset },
  };
}

/** A header's text, '' when it is missing; of a repeated header the last one counts. */
export function header(headers: IHeaders | undefined, name: string): string {
  const value = headers?.[name];
  return (Array.isArray(value) ? value.at(-1) : value)?.toString() ?? '';
}
