import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { databaseFault } from './errors.js';
import { EventTooLargeError } from './outbox.js';
import { SchemaIdUnknownError } from './schema-ids.js';
import { requestTraceId } from './trace-requests.js';

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
   * @param kind last part of the `type` URN, e.g. `order-not-found`
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

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What Fastify itself refuses concerns the body, but for these. */
const FIELD_OF: Record<number, string> = { 415: 'headers/content-type' };

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
  switch (databaseFault(error)) {
    case 'unavailable':
    case 'contention':
    case 'timeout':
      return new Problem(503, 'database-unavailable', 'The database does not answer. Try again.', {
        ...RETRY,
        cause: error,
      });
  }
  const { validation, validationContext, statusCode = 500, code, message } = error as Partial<FastifyError>;
  if (validation) {
    const errors = validation.map((each) => fieldError(validationContext ?? 'request', each));
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
  if (problem.status >= 500) {
    const trace_id = requestTraceId(request);
    request.log.error({ err: problem.cause ?? problem, trace_id }, problem.message);
  }
  const { status, kind, message: detail, errors, headers } = problem;
  return reply
    .code(status)
    .headers(headers)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({
      type: `urn:walpost:problem:${kind}`,
      title: TITLES[status] ?? 'Error',
      status,
      detail,
      ...(errors && { errors }),
    });
}

function fieldError(
  part: string,
  { keyword, instancePath, params, message }: NonNullable<FastifyError['validation']>[number],
): FieldError {
  if (keyword === 'additionalProperties') {
    return {
      field: `${part}${instancePath}/${params['additionalProperty']}`,
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
