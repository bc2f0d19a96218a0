import { Ajv, type FuncKeywordDefinition, type Options } from 'ajv';
import type { DataValidationCxt } from 'ajv/dist/types/index.js';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { Type } from 'typebox';
import { ConfigError } from '../errors.ts';

/**
 * What a client may send: every route of every service builds the schemas of its parameters, query, headers and body
 * from these, and `boundInputs` refuses a route that does not.
 */

/** A UUID as RFC 9562 writes it. Ajv's own format takes `urn:uuid:` before it, which Postgres does not. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a handler gets of a UUID, which a client may write in capitals: ids become keys, and those are compared as text. */
const LOWER_CASE: FuncKeywordDefinition = {
  keyword: 'x-lower-case',
  type: 'string',
  modifying: true,
  validate: (_isWanted: true, text: string, _schema?: object, place?: DataValidationCxt) => {
    if (place) place.parentData[place.parentDataProperty] = text.toLowerCase();
    return true;
  },
};

export const Uuid = (description: string) =>
  Type.String({ description, format: 'uuid', [LOWER_CASE.keyword as string]: true });

/** Identifiers are printable ASCII without spaces: they end in keys, URLs, addresses and logs. */
export const Identifier = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9][A-Za-z0-9._@+-]*$' });

/** A key that a client makes up: printable ASCII without spaces. */
export const Key = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' });

/** A sentence of a person: no control characters, no half of a surrogate pair, and not only spaces. */
export const Text = (description: string, maxLength: number) =>
  Type.String({
    description,
    minLength: 1,
    maxLength,
    pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$',
  });

/** A whole number from 0, or from another minimum. */
export const Count = (
  description: string,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: { minimum?: number; maximum?: number } = {},
) => Type.Integer({ description, minimum, maximum });

/** How many rows a page has. */
export const PageSize = (fallback: number, maximum: number) =>
  Type.Integer({ description: 'The most rows of the answer', minimum: 1, maximum, default: fallback });

/** W3C trace context. One that is not valid is no reason to refuse a request: it is passed over. */
export const Traceparent = Type.Unsafe<string>({ description: 'W3C trace context' });

/** Has an application check what its routes' schemas say, with nothing converted but what came as text. */
export function validateInputs(app: Pick<FastifyInstance, 'setValidatorCompiler'>): void {
  // Fastify's own compiler turns "1" into 1 and drops unknown fields; a request that means something else than it says
  // must be refused. A query string is text and needs the conversion.
  const options: Options = {
    allErrors: true,
    strict: false,
    formats: { uuid: UUID },
    keywords: [LOWER_CASE],
  };
  const strict = new Ajv(options);
  const converting = new Ajv({ ...options, coerceTypes: true, useDefaults: true });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? strict : converting).compile(schema as object),
  );
}

/**
 * Refuses a route whose schema leaves open what a client may send: a text without a length or a pattern, a number
 * without bounds, an object that takes unknown fields, a part of the path without a schema.
 *
 * @throws {ConfigError} when such a route is added
 */
export function boundInputs(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('onRoute', ({ url, schema }: RouteOptions) => {
    // What libraries serve: their files, and no data of ours.
    if (!schema || ('hide' in schema && schema.hide)) return;
    const { params, querystring, headers, body } = schema as Record<string, Schema | undefined>;
    const open = [
      ...(url.match(/(?<=:)\w+/g) ?? [])
        .filter((name) => !params?.properties?.[name])
        .map((name) => `params/${name}`),
      ...Object.entries(params?.properties ?? {}).flatMap(([name, each]) =>
        openParts(`params/${name}`, each),
      ),
      // A header without a type is only described: whoever reads it checks it.
      ...Object.entries(headers?.properties ?? {}).flatMap(([name, each]) =>
        each.type === undefined ? [] : openParts(`headers/${name}`, each),
      ),
      ...(querystring ? openParts('querystring', querystring) : []),
      ...(body ? openParts('body', body) : []),
    ];
    if (open.length > 0)
      throw new ConfigError(`${url} leaves open what a client may send in ${open.join(', ')}: ${BOUNDS}`);
  });
}

/** What a schema is to have. */
const BOUNDS =
  'a text needs maxLength and pattern (Text, Identifier and Uuid of @walpost/kit have them), a number minimum and ' +
  'maximum (Count has), a list maxItems, an object additionalProperties: false, each :part of the path a schema in params';

/** What is read of a JSON schema here. */
interface Schema {
  type?: string;
  enum?: unknown[];
  format?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  pattern?: string;
  maxItems?: number;
  additionalProperties?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** @returns where a schema sets no bounds */
function openParts(path: string, schema: Schema): string[] {
  const bounded = (isBounded: boolean) => (isBounded ? [] : [path]);
  const { minimum, maximum, maxLength, maxItems, pattern } = schema;
  if (schema.enum) return [];
  if (schema.anyOf) return schema.anyOf.flatMap((each) => openParts(path, each));
  switch (schema.type) {
    case 'null':
    case 'boolean':
      return [];
    case 'string':
      return bounded(schema.format === 'uuid' || (maxLength !== undefined && pattern !== undefined));
    case 'integer':
    case 'number':
      return bounded(minimum !== undefined && maximum !== undefined);
    case 'array':
      return [...bounded(maxItems !== undefined), ...openParts(`${path}/items`, schema.items ?? {})];
    case 'object':
      return [
        ...bounded(schema.additionalProperties === false),
        ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) =>
          openParts(`${path}/${name}`, each),
        ),
      ];
    default:
      return [path];
  }
}
