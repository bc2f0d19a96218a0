import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { LineCounter, parseAllDocuments } from 'yaml';
import type { Resource } from './resource.ts';
import { definitions, kinds } from './schemas.generated.ts';

/** An object as a file has it. */
export interface ReadResource {
  /** Where it is, for people: `topics.yaml, document 2 (KafkaTopic readings)`. */
  readonly where: string;
  /** Its version and kind are known, and its fields are those of the schema. */
  readonly resource: Resource;
}

const ajv = new Ajv({ allErrors: true, strict: false, validateSchema: false });
const compiled = new Map<string, ValidateFunction>();

/**
 * Reads objects as Kubernetes would with strict validation: no field that the schema of their kind does not have, none
 * missing that must be there, each of its type.
 *
 * @param texts the files by their names
 * @returns the objects without a problem, and the problems, a line each
 */
export function readBack(texts: Readonly<Record<string, string>>): {
  read: ReadResource[];
  problems: string[];
} {
  const read: ReadResource[] = [];
  const problems: string[] = [];
  for (const [file, text] of Object.entries(texts)) {
    const lineCounter = new LineCounter();
    const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: true });
    for (const [at, document] of [...documents].entries()) {
      const broken = document.errors.map(
        ({ message, pos }) => `${file}, line ${lineCounter.linePos(pos[0]).line}: ${message}`,
      );
      problems.push(...broken);
      if (broken.length > 0) continue;
      const value: unknown = document.toJS();
      // What a --- at the end of a file begins.
      if (value === null) continue;
      const where = `${file}, document ${at + 1}${called(value)}`;
      const wrong = check(value).map((problem) => `${where}: ${problem}`);
      problems.push(...wrong);
      if (wrong.length === 0) read.push({ where, resource: value as Resource });
    }
  }
  return { read, problems };
}

function called(value: unknown): string {
  const { kind, metadata } = value as { kind?: unknown; metadata?: { name?: unknown } };
  return typeof kind === 'string' ? ` (${kind} ${metadata?.name ?? 'without a name'})` : '';
}

function check(value: unknown): string[] {
  const { apiVersion, kind, metadata } = value as Partial<Resource>;
  const name = `${apiVersion} ${kind}`;
  const schema = kinds[name];
  if (!schema) return [`${name} is not one of ${Object.keys(kinds).join(', ')}`];
  let validate = compiled.get(name);
  if (!validate) {
    validate = ajv.compile({ ...schema, definitions });
    compiled.set(name, validate);
  }
  if (validate(value)) return typeof metadata?.name === 'string' ? [] : ['metadata.name is missing'];
  return [...new Set((validate.errors ?? []).map(explain))];
}

function explain({ keyword, instancePath, params, message }: ErrorObject): string {
  const path = (field?: string) => pathOf([...instancePath.split('/').slice(1), ...(field ? [field] : [])]);
  if (keyword === 'additionalProperties')
    return `${path(params['additionalProperty'])} is no field that there is`;
  if (keyword === 'required') return `${path(params['missingProperty'])} is missing`;
  if (keyword === 'enum') return `${path()} is none of ${params['allowedValues'].join(', ')}`;
  return `${path()} ${message}`;
}

/** `spec.template.spec.containers[0].image`, of the parts of a path. */
export function pathOf(parts: readonly string[]): string {
  return parts
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : /^[\w-]+$/.test(part) ? `.${part}` : `["${part}"]`))
    .join('')
    .replace(/^\./, '');
}
