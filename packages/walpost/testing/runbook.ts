import { readFileSync } from 'node:fs';

/** One section of docs/operations.md: what one sees, and what one types. */
export interface RunbookSection {
  /** Lines as `walpost doctor` prints them; the numbers in them are examples. */
  readonly sees: readonly RegExp[];
  /** Arguments of `npx walpost`, in their order. */
  readonly commands: readonly (readonly string[])[];
}

const text = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

/** Reads a section, its blocks of `sh` being the commands that are run. @throws Error when there is none */
export function runbookSection(title: string): RunbookSection {
  const [, body] = new RegExp(`^## ${title}\\n(.*?)(?=^## |$(?![\\s\\S]))`, 'ms').exec(text) ?? [];
  if (body === undefined) throw new Error(`docs/operations.md has no section ${title}`);
  const blocks = [...body.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, kind, block = '']) => ({
    kind,
    lines: block.trimEnd().split('\n'),
  }));
  const linesOf = (kind: string) => blocks.flatMap((block) => (block.kind === kind ? block.lines : []));
  return {
    sees: linesOf('')
      .filter((line) => /^(fail|warn) /.test(line))
      .map(likeLine),
    commands: linesOf('sh').map((line) => line.replace(/^npx walpost /, '').split(' ')),
  };
}

/** The line with other numbers in it, and as many spaces as there are. */
function likeLine(line: string): RegExp {
  const escaped = line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\d+/g, '\\d+').replace(/ {2,}/g, ' +')}`, 'm');
}
