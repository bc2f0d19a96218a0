import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import pTimeout from 'p-timeout';
import { Type } from 'typebox';
import { errorCode } from '../errors.ts';
import { messageOf } from '../telemetry/describe-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { answerInTime } from './answer-in-time.ts';
import { boundOpenRequests, type OpenLimits } from './bound-open-requests.ts';
import { boundInputs, validateInputs } from './inputs.ts';
import { exposeMetrics } from './metrics.ts';
import { ProblemSchema, problemResponse, sendProblem } from './problem.ts';
import { refuseRequests } from './refuse-requests.ts';
import { createUnreadRefusal } from './refuse-unread.ts';
import { traceRequests } from './trace-requests.ts';

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

const BODY_LIMIT = 64 * 1024;

/** How long the parts of an exchange may take, ms. */
export interface TimeLimits {
  /** From a request's first byte to its last. */
  request: number;
  /** From a request to its answer. */
  answer: number;
  /** What is under way when the application closes. */
  close: number;
  /** Of a connection on which nothing moves: its client neither sends nor takes anything. */
  silence: number;
}

// A stop must end within 9 s, and consumers and pools close after this.
const LIMITS: TimeLimits = { request: 15_000, answer: 20_000, close: 3_000, silence: 60_000 };
const OPEN: OpenLimits = { connection: 100, all: 2_000 };

export interface AppOptions {
  /** Of the OpenAPI document. */
  title: string;
  logger: Logger;
  readiness: ReadinessChecks;
  /** Of a path's part that is a parameter, in characters; 100 when not given. A longer one is at no route. */
  maxParamLength?: number;
  /** Of tests, which are in a hurry. */
  limits?: TimeLimits;
}

/**
 * Builds the HTTP server that services share: strict validation, problem+json errors, the OpenAPI page at `/docs`,
 * `/health/live`, `/health/ready` and `/metrics`. Tests and production use the same one.
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { title, logger, readiness, maxParamLength = 100, limits = LIMITS } = options;
  const unread = createUnreadRefusal();
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength },
    requestTimeout: limits.request,
    connectionTimeout: limits.silence,
    http: {
      requestTimeout: limits.request,
      headersTimeout: limits.request,
      connectionsCheckingInterval: limits.request / 15,
      // Refused below, in the form of every other error.
      requireHostHeader: false,
    },
    clientErrorHandler: unread.clientErrorHandler,
    forceCloseConnections: 'idle',
    // Fastify gives a plugin 10 s, which a starved machine needs for Swagger's page. Whoever starts us has a limit.
    pluginTimeout: 0,
    // What cannot even be routed is answered in the same form.
    frameworkErrors: sendProblem,
    return503OnClosing: false,
  }).withTypeProvider<TypeBoxTypeProvider>();

  validateInputs(app);
  boundInputs(app);
  closeInTime(app, limits.close);
  unread.watch(app);
  boundOpenRequests(app, OPEN);
  answerInTime(app, limits.answer);
  refuseRequests(app);
  app.addSchema(ProblemSchema);
  app.setErrorHandler(sendProblem);

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, version: '1.0.0', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    },
    refResolver: { buildLocalReference: (json) => String(json['$id']) },
  });
  // Its page is for whoever has that package installed; the document itself is always there.
  const page = await import('@fastify/swagger-ui').catch((error: unknown) => {
    if (errorCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  });
  if (page) await app.register(page.default, { routePrefix: '/docs' });
  else app.get('/docs/json', { schema: { hide: true } }, async () => app.swagger());

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
    {
      schema: {
        summary: 'Can it do its work?',
        tags: ['health'],
        response: {
          200: Health,
          503: {
            description: 'It cannot; `problems` names what it waits for.',
            content: {
              'application/json': { schema: Health },
              ...problemResponse('The answer took too long.').content,
            },
          },
        },
      },
    },
    async (_request, reply) => {
      const problems = await failing(readiness);
      if (Object.keys(problems).length === 0) return { status: 'ok' };
      return reply.code(503).header('retry-after', '1').send({ status: 'unavailable', problems });
    },
  );
  return app;
}

/**
 * Closes connections that are idle at once, and those of slow clients after a while: one that sends its request byte by
 * byte, or does not read its answer, must not hold up a stop.
 *
 * @param within ms
 */
function closeInTime(app: App, within: number): void {
  let closing = false;
  let cut: NodeJS.Timeout | undefined;
  app.addHook('preClose', async () => {
    closing = true;
    cut = setTimeout(() => app.server.closeAllConnections(), within);
  });
  app.addHook('onClose', async () => clearTimeout(cut));
  // One that is answered while closing would be kept by its client, and closing would wait for it.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) reply.header('connection', 'close');
    done();
  });
}

/** A readiness answer must come faster than the usual probe's time-out. */
const CHECK_WITHIN = 2_000;

async function failing(checks: ReadinessChecks): Promise<Record<string, string>> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        const message = `no answer within ${CHECK_WITHIN} ms`;
        await pTimeout(Promise.resolve().then(check), { milliseconds: CHECK_WITHIN, message });
        return undefined;
      } catch (error) {
        return [name, messageOf(error)] as const;
      }
    }),
  );
  return Object.fromEntries(results.filter((result) => result !== undefined));
}
