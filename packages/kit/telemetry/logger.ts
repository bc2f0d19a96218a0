import { types } from 'node:util';
import { type DestinationStream, type LogFn, type Logger, pino } from 'pino';
import { errorCode } from '../errors.ts';
import { describeError, messageOf } from './describe-error.ts';
import { countRepeats } from './log-repeats.ts';
import { redact } from './redact.ts';

export type { Logger };

/**
 * Makes a service's logger: JSON lines on stdout, or readable ones when stdout is a terminal. Lines about an event have
 * `key`, `event_id` and `trace_id`. People's addresses and secrets are taken out of every line, errors are written
 * without what a statement was given, one that many meet at once is written once and counted, and a line has a bounded
 * length.
 *
 * @param service the service's name, on every line
 * @param level pino's level
 * @param destination instead of stdout
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    name: service,
    level,
    serializers: { err: (described: unknown) => described },
    hooks: { logMethod: createWriter(), streamWrite: finish },
  };
  if (destination) return pino(options, destination);
  return pino({
    ...options,
    ...(process.stdout.isTTY && {
      transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } },
    }),
  });
}

/** Longer texts are cut. */
const MAX_TEXT = 2_000;
/** How many characters, and fields and elements, all values of a line have together. */
const MAX_CHARACTERS = 16_000;
const MAX_VALUES = 200;
const MAX_DEPTH = 6;
/** A line that is longer nevertheless, by fields of a child logger or by escapes, is not written. */
const MAX_LINE = 64_000;

/** The same failure is written no more often than this, ms. */
const SAME_WITHIN = 10_000;
/** Fields that say whose failure it was; that of another request is the same. */
const WHOSE = ['key', 'event_id', 'dead_letter'] as const;

/** pino's hook: everything that is logged comes by here, and is bounded before it is made into text. */
function createWriter() {
  const isRepeat = countRepeats(SAME_WITHIN);
  return function write(this: Logger, args: Parameters<LogFn>, method: LogFn, level: number): void {
    const budget = { characters: MAX_CHARACTERS, values: MAX_VALUES };
    const [first, ...texts] = (args as unknown[]).map((value, at) =>
      isError(value) ? (at === 0 ? { err: value } : messageOf(value)) : value,
    );
    const { err, ...fields } = Object(first) as Record<string, unknown>;
    if (isError(err)) {
      if (texts.length === 0) texts.push(messageOf(err));
      const whose = WHOSE.map((name) => fields[name] ?? '');
      const kind = [level, ...whose, errorCode(err), messageOf(err), String(texts[0]).slice(0, 500)].join(
        ' ',
      );
      const report = (count: number) =>
        method.call(this, { count }, `${count} more within ${SAME_WITHIN / 1000} s: ${messageOf(texts[0])}`);
      if (isRepeat(kind, report)) return;
    }
    method.apply(this, [first, ...texts].map((value) => limit(value, budget, 0)) as Parameters<LogFn>);
  };
}

/** A copy of a value that takes up no more than what is left. */
function limit(value: unknown, budget: { characters: number; values: number }, depth: number): unknown {
  if (typeof value === 'string') {
    const room = Math.min(MAX_TEXT, budget.characters);
    const text = value.length > room ? `${value.slice(0, room)}… (${value.length} characters)` : value;
    budget.characters = Math.max(0, budget.characters - text.length);
    return text;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (isError(value)) return limit(describeError(value), budget, depth);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  const prototype = Object.getPrototypeOf(value);
  const isPlain = Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
  // A request or a reply: they have serializers of their own.
  if (!isPlain) return value;
  if (depth >= MAX_DEPTH) return '…';
  const copy: [string, unknown][] = [];
  for (const [name, each] of Object.entries(value)) {
    if (budget.values <= 0) break;
    budget.values -= 1;
    copy.push([name.slice(0, 100), limit(each, budget, depth + 1)]);
  }
  return Array.isArray(value) ? copy.map(([, each]) => each) : Object.fromEntries(copy);
}

/** Errors of Node are of another realm in a test. */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function finish(line: string): string {
  if (line.length <= MAX_LINE) return redact(line);
  const [begin = '{"level":50'] = /^\{"level":\d+,"time":\d+/.exec(line) ?? [];
  return `${begin},"msg":"a line of ${line.length} characters was left out"}\n`;
}
