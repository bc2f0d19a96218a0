import { type AnyError, causes, errorCode } from '../errors.ts';
import { redact } from './redact.ts';

const MAX_MESSAGE = 1_000;
const MAX_FRAMES = 15;
/** How many causes of an error, or errors in one, are shown. */
const MAX_CAUSES = 4;
/** What else of an error may be shown: names and numbers. Never what a statement was given, nor the rows that it met. */
const FIELDS = [
  ...[
    'errno',
    'syscall',
    'address',
    'port',
    'status',
    'statusCode',
    'retryable',
    'type',
    'broker',
    'groupId',
  ],
  ...['severity', 'routine', 'schema_name', 'table_name', 'column_name', 'constraint_name'],
];
const FRAME = /^ {4}at .{1,300}$/;

/** What is logged of an error: bounded, and without the parameters of any statement. */
export interface ErrorDescription {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: ErrorDescription;
  errors?: ErrorDescription[];
  [field: string]: unknown;
}

/**
 * What went wrong, in one short line, for a log, a readiness answer, a dead letter or a person: whatever was thrown, and
 * without the parameters of any statement, passwords in addresses and people's addresses.
 */
export function messageOf(error: unknown): string {
  const all = [...causes(error)];
  if (all.length === 0) return bounded(redact(String(error)));
  const text = all.map(ownMessage).find((message) => message !== '');
  return bounded(redact(text || errorCode(error))).replaceAll(/\s*\n\s*/g, ' ');
}

/** Describes an error for the log. */
export function describeError(error: unknown): ErrorDescription {
  return describe(error, MAX_CAUSES);
}

/** The frames of an error's stack, without the message above them. */
export function framesOf(error: unknown): string | undefined {
  const [own] = causes(error);
  if (typeof own?.stack !== 'string') return undefined;
  const { stack } = own;
  // A message may look like a frame, and be longer than all of them.
  const message = String(own.message ?? '');
  const at = stack.indexOf(message);
  const frames = stack
    .slice(at >= 0 ? at + message.length : stack.length)
    .split('\n')
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES);
  return frames.length > 0 ? frames.join('\n') : undefined;
}

function describe(error: unknown, depth: number): ErrorDescription {
  const [own] = causes(error);
  if (!own) return { type: typeof error, message: messageOf(error) };
  const { name, code, cause, errors } = own;
  const stack = framesOf(own);
  const description: ErrorDescription = {
    type: bounded(typeof name === 'string' ? name : 'Error'),
    message: messageOf({ name, code, message: ownMessage(own) }),
    ...(typeof code === 'string' && { code: bounded(code) }),
    ...(stack !== undefined && { stack }),
  };
  for (const field of FIELDS) {
    const value = own[field];
    if (typeof value === 'string') description[field] = bounded(value);
    else if (typeof value === 'number' || typeof value === 'boolean') description[field] = value;
  }
  if (depth <= 1) return description;
  if (cause !== undefined && cause !== null) description.cause = describe(cause, depth - 1);
  if (Array.isArray(errors))
    description.errors = errors.slice(0, MAX_CAUSES).map((each) => describe(each, depth - 1));
  return description;
}

/** An error's own message without what a statement was given; '' when nothing is left of it. */
function ownMessage(error: AnyError): string {
  const message = typeof error.message === 'string' ? error.message : '';
  // Drizzle's is the whole statement with its parameters; what it was caused by says what is wrong.
  if ('query' in error && 'params' in error) return '';
  // The driver names the server, which it does not know of a socket that it was given.
  if (error.code === 'CONNECT_TIMEOUT') return 'the server does not answer';
  // Fastify's has the URL, which may name a person, and blames a handler that was only late.
  if (error.code === 'FST_ERR_REP_ALREADY_SENT') return 'an answer came when its request had been answered';
  if (error.name === 'PostgresError') return serverMessage(error, message);
  return withoutValues(message, error);
}

/** Classes of SQLSTATE whose messages name tables, columns, roles and settings, and no values. */
const NAMES_ONLY = /^(?:0[0138ABLP]|2[134568BDF]|3[4BDF]|40|42|44|5[34578]|72|F0|XX)/;
/** Data exceptions quote the value at fault, or show it behind a colon. */
const DATA_EXCEPTION = /^22/;

function serverMessage(error: AnyError, message: string): string {
  const code = String(error.code ?? '');
  if (NAMES_ONLY.test(code)) return message;
  // What else there is was written by who made a function, of whatever it was called with.
  const text = withoutValues(message, error);
  return DATA_EXCEPTION.test(code) ? `${text.replace(/["'„“”«»‘’「:].*$/s, '').trimEnd()} …` : text;
}

/** How much of a message and of a statement's parameters is compared, in characters. */
const MAX_COMPARED = 4_000;
const MAX_GIVEN = 200_000;

/** Leaves out each word that is in one of the statement's parameters. */
function withoutValues(message: string, error: AnyError): string {
  const values = [error['parameters'], error['args']].flat(3);
  if (values.every((value) => value === undefined)) return message;
  const given = values.join('\n').slice(0, MAX_GIVEN);
  return message
    .slice(0, MAX_COMPARED)
    .replace(/[\p{L}\p{N}@._-]{3,}/gu, (word) => (given.includes(word) ? '…' : word));
}

function bounded(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}
