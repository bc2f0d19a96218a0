import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { Type } from 'typebox';
import { answerInTime } from './answer-in-time.js';
import { messageOf } from './describe-error.js';
import type { Logger } from './logger.js';
import { exposeMetrics } from './metrics/http.js';
import { Problem, ProblemSchema, sendProblem } from './problem.js';
import { traceRequests } from './trace-requests.js';

/** A Fastify instance whose route schemas are TypeBox's. */
export type App = FastifyInstance<
  import('node:http').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What must hold for a service to do its work; each check rejects with the reason when it does not. */
export type ReadinessChecks = Record<string, () => Promise<void> | void>;

/** How long a request may wait for its answer, ms. */
const ANSWER_WITHIN = 20_000;
const BODY_LIMIT = 64 * 1024;

export interface AppOptions {
  /** Of the OpenAPI document. */
  title: string;
  logger: Logger;
  readiness: ReadinessChecks;
}

/**
 * Builds the HTTP server that services share: strict validation, problem+json errors, the OpenAPI page at `/docs`,
 * `/health/live`, `/health/ready` and `/metrics`. Tests and production use the same one.
 */
export async function createApp({ title, logger, readiness }: AppOptions): Promise<App> {
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: 'idle',
    // What cannot even be routed is answered in the same form.
    frameworkErrors: sendProblem,
    return503OnClosing: true,
  }).withTypeProvider<TypeBoxTypeProvider>();

  // Fastify's own compiler turns "1" into 1 and drops unknown fields; a request that means something else than it says
  // must be refused. A query string is text and needs the conversion.
  const strict = addFormats.default(new Ajv({ allErrors: true, strict: false }));
  const converting = addFormats.default(
    new Ajv({ allErrors: true, strict: false, coerceTypes: true, useDefaults: true }),
  );
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? strict : converting).compile(schema as object),
  );
  // Fastify reads text/plain by default; nothing here does.
  app.removeContentTypeParser('text/plain');
  // Idle connections are closed at once, but one that is answered while closing would be kept by its client, and closing
  // would wait for it.
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) reply.header('connection', 'close');
    done();
  });
  answerInTime(app, ANSWER_WITHIN);
  app.addSchema(ProblemSchema);
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request) => {
    throw new Problem(
      404,
      'not-found',
      `There is nothing at ${request.method} ${request.url.slice(0, 200)}.`,
    );
  });

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, version: '1.0.0', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    },
    refResolver: { buildLocalReference: (json) => String(json['$id']) },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });

  exposeMetrics(app);
  traceRequests(app);

  const Health = Type.Object({
    status: Type.String(),
    problems: Type.Optional(Type.Record(Type.String(), Type.String())),
  });
  app.get(
    '/health/live',
    { schema: { summary: 'Is the process alive?', tags: ['health'], response: { 200: Health } } },
    async () => ({ status: 'ok' }),
  );
  app.get(
    '/health/ready',
    { schema: { summary: 'Can it do its work?', tags: ['health'], response: { 200: Health, 503: Health } } },
    async (_request, reply) => {
      const problems = await failing(readiness);
      if (Object.keys(problems).length === 0) return { status: 'ok' };
      return reply.code(503).header('retry-after', '1').send({ status: 'unavailable', problems });
    },
  );
  return app;
}

/** A readiness answer must come faster than the usual probe's time-out. */
const CHECK_WITHIN = 2_000;

async function failing(checks: ReadinessChecks): Promise<Record<string, string>> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const timeout = AbortSignal.timeout(CHECK_WITHIN);
      const late = new Promise<never>((_resolve, reject) => {
        timeout.addEventListener('abort', () => reject(new Error(`no answer within ${CHECK_WITHIN} ms`)));
      });
      try {
        // A check that throws at once must not leave the other promise without anybody who handles it.
        await Promise.race([Promise.resolve().then(check), late]);
        return undefined;
      } catch (error) {
        return [name, messageOf(error)] as const;
      }
    }),
  );
  return Object.fromEntries(results.filter((result) => result !== undefined));
}
