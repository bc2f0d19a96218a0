import { pathOf, type ReadResource } from './read-back.ts';
import type { Scope } from './resource.ts';
import { secretsNeeded } from './secrets.ts';

/** A Secret that an object names, and the key of it. */
interface Reference {
  readonly path: string;
  readonly name: string;
  readonly key: string;
}

/** What a variable is called whose value nobody is to read in a file. */
const SECRET_VARIABLE = /(PASSWORD|TOKEN|SECRET|_KEY)$/;

/** Secrets that an object refers to and nobody is told of, and values in it that belong into one. */
export function secretProblems({ system, target }: Scope, { where, resource }: ReadResource): string[] {
  const needed = secretsNeeded(system, target);
  const known = ({ name, key }: Reference) =>
    needed.some((each) => each.name === name && each.keys.includes(key));
  const found = find(resource.spec, ['spec']);
  return [
    ...found.references
      .filter((each) => !known(each))
      .map(
        ({ path, name, key }) =>
          `${where}: ${path} refers to ${key} of the Secret ${name}, which the project has not`,
      ),
    ...found.values.map(
      (path) => `${where}: ${path} is a secret: refer to a Secret, and keep the value out of the file`,
    ),
  ];
}

/** References and plain values of an object and of what is in it. */
function find(value: unknown, parts: readonly string[]): { references: Reference[]; values: string[] } {
  if (typeof value !== 'object' || value === null) return { references: [], values: [] };
  const within = Object.entries(value).map(([field, each]) => find(each, [...parts, field]));
  return {
    references: [...own(value, parts), ...within.flatMap(({ references }) => references)],
    values: [...(isValue(value) ? [pathOf(parts)] : []), ...within.flatMap(({ values }) => values)],
  };
}

/** The five ways in which Kubernetes, Strimzi and KEDA name a Secret. */
function own(value: object, parts: readonly string[]): Reference[] {
  const path = pathOf(parts);
  const field = parts.at(-1);
  const { name, key, secretName, items, certificate, password } = value as {
    [key in 'name' | 'key' | 'secretName' | 'certificate' | 'password']?: unknown;
  } & { items?: { key: string }[] };
  if (field === 'secretKeyRef' || parts.at(-2) === 'secretTargetRef')
    return [{ path, name: String(name), key: String(key) }];
  if (typeof secretName !== 'string') return [];
  const keys = items?.map((item) => item.key) ?? [certificate ?? password ?? 'any key'].map(String);
  return keys.map((each) => ({ path, name: secretName, key: each }));
}

function isValue(value: object): boolean {
  const { name, value: text } = value as { name?: unknown; value?: unknown };
  return typeof name === 'string' && SECRET_VARIABLE.test(name) && text !== undefined && text !== '';
}
