import { formatAge, formatTable, printable } from '../output.ts';
import { type Decoded, schemaIdOf } from './decode-dead-letter.ts';
import { type ListedDeadLetter, recordOf, stateOf } from './find-dead-letters.ts';
import { hexDump } from './hex-dump.ts';

/** So many bytes of a value are printed; `--json` has all of them. */
const SHOWN_BYTES = 512;

/** Everything that is known of a dead letter, as text for a person. */
export function showDeadLetter(service: string, deadLetter: ListedDeadLetter, decoded: Decoded): string {
  const { value, headers, errorStack } = deadLetter;
  return [
    facts(service, deadLetter),
    section('headers', headers.length === 0 ? ['none'] : headers.map(([name, text]) => `${name}: ${text}`)),
    ...(errorStack === null ? [] : [section('error', errorStack.split('\n'))]),
    section(valueTitle(value), value === null ? ['the record has none'] : hexDump(value, SHOWN_BYTES)),
    section(...decodedLines(decoded)),
  ].join('\n\n');
}

/** The same for other programs; the value in base64. */
export function deadLetterJson(service: string, deadLetter: ListedDeadLetter, decoded: Decoded): object {
  const { value, offset, ...rest } = deadLetter;
  return { service, ...rest, offset: offset.toString(), value: value?.toString('base64') ?? null, decoded };
}

function facts(service: string, deadLetter: ListedDeadLetter): string {
  const { errorCode, errorMessage, replayRequestedAt, settledAt, discardReason } = deadLetter;
  const time = (date: Date | null) => date?.toISOString();
  const rows: [string, unknown][] = [
    ['dead letter', deadLetter.id],
    ['service', service],
    ['state', stateOf(deadLetter)],
    ['record', `${recordOf(deadLetter)}, written ${time(deadLetter.recordedAt)}`],
    ['key', deadLetter.key],
    ['identity', deadLetter.identity],
    ['error', errorCode === null ? null : `${errorCode}: ${errorMessage}`],
    ['attempts', deadLetter.attempts],
    ['set aside', `${time(deadLetter.createdAt)}, ${formatAge(deadLetter.ageSeconds)} ago`],
    ['parked behind', deadLetter.parkedBehind],
  ];
  if (replayRequestedAt) rows.push(['replay asked', time(replayRequestedAt)]);
  if (settledAt) rows.push(['closed', time(settledAt)]);
  if (discardReason !== null) rows.push(['discarded', discardReason]);
  const [first = [], ...others] = rows.map(([name, fact]) => [name, fact ?? '-']);
  return formatTable(
    first.map(String),
    others.map((row) => row.map((cell) => printable(String(cell)))),
  );
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${printable(line)}`)].join('\n');
}

function valueTitle(value: Buffer | null): string {
  if (value === null) return 'value';
  const id = schemaIdOf(value);
  const format = id === undefined ? 'not in the wire format' : `schema id ${id}`;
  return `value (${value.length} bytes, ${format})`;
}

function decodedLines({ by, type, data, problem }: Decoded): [string, string[]] {
  if (by === undefined) return ['not decoded', [problem ?? 'unknown why']];
  const lines = JSON.stringify(data, null, 2).split('\n');
  if (by === 'contract') return [`decoded (contract, ${type})`, lines];
  return [`decoded (writer's schema, ${type})`, [`the contract cannot: ${problem}`, ...lines]];
}
