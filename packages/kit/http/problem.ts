import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { BusyError, databaseFault, isRefusedValue } from '../errors.ts';
import { EventTooLargeError } from '../outbox/outbox.ts';
import { SchemaIdUnknownError } from '../outbox/schema-ids.ts';
import { requestTraceId } from './trace-requests.ts';

/** The body of every error answer: RFC 9457 problem details, with the fields at fault. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'A URN that names the kind of problem.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          field: Type.String({ description: 'Where in the request, e.g. body/items/0/quantity.' }),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details' },
);

/** An error answer of a route, for its `response` schema. */
export const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

export interface FieldError {
  field: string;
  detail: string;
}

/** An answer that says what is wrong with a request. Thrown by a route or an operation's caller, never by a pure function. */
export class Problem extends Error {
  readonly status: number;
  readonly kind: string;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;

  /**
   * @param kind last part of the `type` URN, e.g. `shipment-not-found`
   * @param detail one sentence for the person who sent the request
   */
  constructor(
    status: number,
    kind: string,
    detail: string,
    extra: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause: extra.cause });
    this.status = status;
    this.kind = kind;
    this.errors = extra.errors;
    this.headers = extra.headers ?? {};
  }
}

/** RFC 9110's titles where Node has older ones. */
const TITLES: Record<number, string> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

/** What Fastify itself refuses concerns the body, but for these. */
const FIELD_OF: Record<number, string> = { 415: 'headers/content-type' };

/** So many fields are named: a body of 64 KiB can have ten thousand that are wrong. */
const MOST_ERRORS = 20;
/** A field's name comes from the request, and may be as long as that. */
const LONGEST_NAME = 100;

/** What an answer says that may be another one a second later. */
export const RETRY = { headers: { 'retry-after': '1' } };

/** The one place where errors become HTTP answers. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SchemaIdUnknownError) {
    return new Problem(503, 'not-ready', error.message, { ...RETRY, cause: error });
  }
  if (error instanceof EventTooLargeError) {
    return new Problem(413, error.code, error.message, {
      errors: [{ field: 'body', detail: 'makes an event that is too large' }],
      cause: error,
    });
  }
  if (error instanceof BusyError) return new Problem(503, 'busy', error.message, RETRY);
  switch (databaseFault(error)) {
    case 'unavailable':
    case 'contention':
    case 'timeout':
      return new Problem(503, 'database-unavailable', 'The database does not answer. Try again.', {
        ...RETRY,
        cause: error,
      });
  }
  // The routes' schemas keep such values out; one that they let through is the client's mistake all the same.
  if (isRefusedValue(error)) {
    return new Problem(
      400,
      'invalid-value',
      'A value of the request is none that can be stored or looked up.',
      {
        cause: error,
      },
    );
  }
  const { validation, validationContext, statusCode = 500, code, message } = error as Partial<FastifyError>;
  if (validation) {
    const errors = validation
      .slice(0, MOST_ERRORS)
      .map((each) => fieldError(validationContext ?? 'request', each));
    const [first] = errors;
    return new Problem(400, 'invalid-request', `${first?.field} ${first?.detail}`, { errors });
  }
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') {
    const detail = 'must not be so long';
    return new Problem(400, 'invalid-request', `A part of the URL ${detail}.`, {
      errors: [{ field: 'params', detail }],
    });
  }
  if (statusCode >= 400 && statusCode < 500) {
    const detail = message ?? 'The request cannot be read.';
    return new Problem(statusCode, slug(code ?? 'bad-request'), detail, {
      errors: [{ field: FIELD_OF[statusCode] ?? (code?.includes('URL') ? 'url' : 'body'), detail }],
    });
  }
  return new Problem(500, 'internal-error', 'Something went wrong here. It is in the log.', { cause: error });
}

/** Fastify's error handler: every error leaves as problem+json; those that are ours are logged with their cause. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  const trace_id = requestTraceId(request);
  // A line for each request that is turned away would be the next thing that is too much.
  if (problem.status >= 500 && !(error instanceof BusyError)) {
    request.log.error({ err: problem.cause ?? problem, trace_id }, problem.message);
  } else if (problem.cause) {
    request.log.warn({ err: problem.cause, trace_id }, problem.message);
  }
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .header('content-type', PROBLEM_TYPE)
    .serializer(JSON.stringify)
    .send(problemBody(problem));
}

/** Of every error answer. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** What is in an error answer. */
export function problemBody({ status, kind, message: detail, errors }: Problem): object {
  const title = TITLES[status] ?? STATUS_CODES[status] ?? 'Error';
  return { type: `urn:walpost:problem:${kind}`, title, status, detail, ...(errors && { errors }) };
}

function fieldError(
  part: string,
  { keyword, instancePath, params, message }: NonNullable<FastifyError['validation']>[number],
): FieldError {
  if (keyword === 'additionalProperties') {
    return {
      field: `${part}${instancePath}/${String(params['additionalProperty']).slice(0, LONGEST_NAME)}`,
      detail: 'is not a known field',
    };
  }
  if (keyword === 'required') {
    return { field: `${part}${instancePath}/${params['missingProperty']}`, detail: 'is missing' };
  }
  return { field: `${part}${instancePath}`, detail: message ?? 'is not valid' };
}

/** FST_ERR_CTP_BODY_TOO_LARGE → body-too-large */
function slug(code: string): string {
  return code
    .replace(/^FST_ERR_(CTP_)?/, '')
    .toLowerCase()
    .replaceAll('_', '-');
}
