import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { attempt } from '@walpost/kit/observe/attempt';
import { findOrderWay } from '@walpost/kit/observe/find-order-way';
import { judgeWay } from '@walpost/kit/observe/judge-way';
import type { KafkaView } from '@walpost/kit/observe/kafka-view';
import type { Observed } from '@walpost/kit/observe/observed-service';
import { stepsOf } from '@walpost/kit/observe/way-steps';
import { Problem, problemResponse } from '@walpost/kit/problem';
import type { HttpAccess } from '@walpost/schemas/http-access';
import { serviceNames } from '@walpost/scripts/services';
import { Type } from 'typebox';
import type { EventHub, HubEvent } from './event-hub.js';
import { MAX_PER_SECOND, type OrderLoad } from './order-load.js';
import { requireToken } from './require-token.js';
import type { ScenarioRunner } from './scenario-runner.js';
import type { LetterDesk } from './settle-letters.js';
import type { Snapshot } from './snapshot.js';

export interface ConsoleParts {
  readonly observed: readonly Observed[];
  readonly kafka: KafkaView;
  readonly connect: HttpAccess;
  readonly token: string | undefined;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly hub: EventHub;
  readonly load: OrderLoad;
  readonly scenarios: ScenarioRunner;
  /** Undefined where no operator's password is set. */
  readonly desk: LetterDesk | undefined;
}

/** More streams than this are refused: each is a browser tab. */
const MAX_LISTENERS = 50;

const OrderId = Type.Object({ id: Type.String({ format: 'uuid' }) });
const Letter = Type.Object({ service: Type.Enum(serviceNames), id: Type.Integer({ minimum: 1 }) });

/** The console's own API; what the page shows comes from here, and nothing else does. */
export function consoleRoutes(parts: ConsoleParts): FastifyPluginAsyncTypebox {
  const { hub, load, scenarios, takeSnapshot } = parts;
  // Before anything of the request is read: a stranger learns nothing from how a body is judged.
  const change = { onRequest: requireToken(parts.token) };
  const refused = {
    401: problemResponse('The token is missing or wrong.'),
    403: problemResponse('This console only shows, or the request comes from another site.'),
  };
  const busy = { 503: problemResponse('It takes too long, or too many look.') };
  const desk = () => {
    if (parts.desk) return parts.desk;
    throw new Problem(
      403,
      'read-only',
      'Dead letters are only shown: LETTERS_PASSWORD is not set where this runs.',
    );
  };

  return async (app) => {
    app.get(
      '/api/snapshot',
      { schema: { summary: 'The whole system as it is now', tags: ['system'], response: busy } },
      async (_request, reply) => reply.header('cache-control', 'no-store').send(await takeSnapshot()),
    );

    app.get(
      '/api/events',
      {
        schema: {
          summary: 'The same, again and again, as server-sent events',
          tags: ['system'],
          response: busy,
        },
      },
      async (_request, reply) => {
        if (hub.listeners >= MAX_LISTENERS)
          throw new Problem(503, 'too-many-listeners', `${MAX_LISTENERS} pages are open already.`);
        const first: HubEvent[] = [{ name: 'output', data: scenarios.output() }];
        hub.join(reply, first);
        return reply;
      },
    );

    app.get(
      '/api/orders/:id',
      {
        schema: {
          summary: 'One order’s way through the system, and what keeps it',
          tags: ['system'],
          params: OrderId,
          response: { 400: problemResponse('The order id is no UUID.') },
        },
      },
      async ({ params: { id } }, reply) => {
        const kafka = await attempt('Kafka', () => parts.kafka.access());
        const way = await findOrderWay(
          { services: parts.observed, kafka, connect: parts.connect },
          id.toLowerCase(),
        );
        const now = Date.now();
        const { problems, orderId } = way;
        const answer = { orderId, now, problems, steps: stepsOf(way), verdict: judgeWay(way, now) };
        return reply.header('cache-control', 'no-store').send(answer);
      },
    );

    app.get(
      '/api/session',
      { ...change, schema: { summary: 'Is the token right?', tags: ['actions'], response: refused } },
      async () => ({ granted: true }),
    );

    app.put(
      '/api/load',
      {
        ...change,
        schema: {
          summary: 'Place orders at a rate, for five minutes at most; 0 stops',
          tags: ['actions'],
          body: Type.Object(
            { perSecond: Type.Integer({ minimum: 0, maximum: MAX_PER_SECOND }) },
            { additionalProperties: false },
          ),
          response: refused,
        },
      },
      async ({ body }) => {
        load.set(body.perSecond);
        return load.state();
      },
    );

    app.post(
      '/api/letters/:service/:id/replay',
      {
        ...change,
        schema: {
          summary: 'Let the service handle a dead letter again, and those behind it',
          tags: ['actions'],
          params: Letter,
          response: refused,
        },
      },
      async ({ params: { service, id } }) => ({ replays: await desk().replay(service, id) }),
    );

    app.post(
      '/api/letters/:service/:id/discard',
      {
        ...change,
        schema: {
          summary: 'Give a dead letter up',
          tags: ['actions'],
          params: Letter,
          body: Type.Object(
            { reason: Type.String({ minLength: 1, maxLength: 500, pattern: '\\S' }) },
            { additionalProperties: false },
          ),
          response: refused,
        },
      },
      async ({ params: { service, id }, body }) => ({
        released: await desk().discard(service, id, body.reason.trim()),
      }),
    );

    app.put(
      '/api/scenario',
      {
        ...change,
        schema: {
          summary: 'Play a scenario on a stack of its own; null stops it',
          tags: ['actions'],
          body: Type.Object(
            { name: Type.Union([Type.String({ maxLength: 100 }), Type.Null()]) },
            { additionalProperties: false },
          ),
          response: refused,
        },
      },
      async ({ body: { name } }) => {
        if (name === null) scenarios.stop();
        else scenarios.start(name);
        return scenarios.state();
      },
    );
  };
}
