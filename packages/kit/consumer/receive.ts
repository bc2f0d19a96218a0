import { validate as isUuid } from 'uuid';
import type { Decoder } from '../contract/codec.ts';
import type { DomainEvent, EventName } from '../contract/contract.ts';
import { CodecError } from '../contract/errors.ts';
import { HEADERS } from '../contract/headers.ts';
import type { Classified } from '../errors.ts';
import { damageOf } from '../kafka/codecs.ts';
import type { IHeaders, KafkaMessage } from '../kafka/kafkajs.ts';

/** Where a record is in Kafka. Offsets are text: they are 64 bits wide. */
export interface Position {
  topic: string;
  partition: number;
  offset: string;
}

/** A decoded event with what its record's headers say of it. */
export type ReceivedEvent<N extends EventName = EventName> = DomainEvent<N> & {
  /** The CloudEvents id; what the inbox knows an event by. */
  id: string;
  /** The record's key. */
  key: string;
  /** The event's place in the history of its key in this topic: 1, 2, 3 … */
  version: number;
  traceparent: string | undefined;
  /** When it was written into its outbox, ms since the epoch; undefined when its header does not say. */
  writtenAt: number | undefined;
  position: Position;
};

/** The code of a record whose key no dead letter can keep as it is. */
export const INVALID_KEY = 'invalid-key';

/** A record that is not what the contract promises. Trying again does not help. */
export class MessageError extends Error implements Classified {
  readonly retryable = false;
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The batch that a record is in cannot be read, which is no fault of the events in it. Another replica may have it. */
export class DamagedBatchError extends Error implements Classified {
  readonly retryable = true;
  readonly code = 'damaged-batch';
}

/** A record as it was received: with its event, or with the reason why there is none. */
export interface Received {
  message: KafkaMessage;
  position: Position;
  /** The record's key, undefined when it has none. */
  key: string | undefined;
  /** The CloudEvents id, undefined when the record has no valid one. */
  id: string | undefined;
  /** The place in the key's history, undefined when the record does not say. */
  version: number | undefined;
  result: { event: ReceivedEvent } | Failure;
}

/** Why a record is set aside, and after how many attempts. */
export interface Failure {
  error: unknown;
  attempts: number;
}

/**
 * Reads a record. What is wrong with it for good is part of the answer. Answers at once when the decoder does: a batch
 * would make hundreds of promises that have nothing to wait for.
 *
 * @throws {CodecError} `registry-unavailable`, or rejects with it, which is no fault of the record
 * @throws {DamagedBatchError}
 */
export function receive(
  decoder: Decoder,
  position: Position,
  message: KafkaMessage,
): Received | Promise<Received> {
  const id = header(message.headers, 'id');
  const version = Number(header(message.headers, 'version'));
  const record = {
    message,
    position,
    key: message.key === null ? undefined : storable(message.key.toString()).slice(0, MAX_KEY),
    id: isUuid(id) ? id.toLowerCase() : undefined,
    version: Number.isInteger(version) && version > 0 && version <= MAX_VERSION ? version : undefined,
  };
  const refused = (error: unknown): Received => {
    const forGood = error instanceof MessageError || (error instanceof CodecError && !error.retryable);
    if (!forGood) throw error;
    return { ...record, result: { error, attempts: 1 } };
  };
  try {
    const event = toEvent(decoder, record);
    if (event instanceof Promise)
      return event.then((read) => ({ ...record, result: { event: read } }), refused);
    return { ...record, result: { event } };
  } catch (error) {
    return refused(error);
  }
}

function toEvent(decoder: Decoder, record: Omit<Received, 'result'>): ReceivedEvent | Promise<ReceivedEvent> {
  const { message, position, key, id, version } = record;
  const damage = damageOf(message);
  if (damage !== undefined) throw new DamagedBatchError(damage);
  if (id === undefined)
    throw new MessageError('invalid-event-id', `header ${HEADERS.id} is missing or no UUID`);
  if (version === undefined)
    throw new MessageError('invalid-version', `header ${HEADERS.version} is no version`);
  if (key === undefined) throw new MessageError('missing-key', 'the record has no key');
  if (!message.key?.equals(Buffer.from(key))) throw new MessageError(INVALID_KEY, 'the key is no short text');
  if (!message.value) throw new MessageError('missing-value', 'the record has no value');
  const traceparent = header(message.headers, 'traceparent') || undefined;
  const time = Date.parse(header(message.headers, 'time'));
  const known = { id, key, version, traceparent, writtenAt: Number.isNaN(time) ? undefined : time, position };
  const decoded = decoder.decode(message.value);
  return decoded instanceof Promise
    ? decoded.then((event) => ({ ...event, ...known }))
    : { ...decoded, ...known };
}

/** Text as Postgres can keep it, which has no NUL. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

/** Longer keys, in characters, are of no outbox, and no index takes them. */
const MAX_KEY = 200;

/** The largest value of Postgres's integer. */
const MAX_VERSION = 2_147_483_647;

/** A header's text, '' when it is missing; of a repeated header the last one counts. */
export function header(headers: IHeaders | undefined, name: keyof typeof HEADERS): string {
  const value = headers?.[HEADERS[name]];
  return (Array.isArray(value) ? value.at(-1) : value)?.toString() ?? '';
}
