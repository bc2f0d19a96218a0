import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { HttpAccess } from '@walpost/kit/contract/http-access';
import { BusyError } from '@walpost/kit/errors';
import { Count, Text } from '@walpost/kit/http/inputs';
import { Problem, problemResponse } from '@walpost/kit/http/problem';
import { attempt } from '@walpost/kit/telemetry/attempt';
import { Type } from 'typebox';
import type { KafkaView } from '../observe/kafka-view.ts';
import type { Observed } from '../observe/observed-service.ts';
import type { Timeline } from '../observe/timeline.ts';
import { diagnoseTimeline } from '../trace/diagnose-timeline.ts';
import { stepsOf } from '../trace/timeline-steps.ts';
import { traceKey } from '../trace/trace-key.ts';
import type { DeadLetterActions } from './dead-letter-actions.ts';
import type { EventHub } from './event-hub.ts';
import { requireToken } from './require-token.ts';
import { MAX_PER_SECOND, type SampleLoad } from './sample-load.ts';
import type { Snapshot } from './snapshot.ts';

export interface ConsoleParts {
  readonly observed: readonly Observed[];
  readonly kafka: KafkaView;
  readonly connect: HttpAccess;
  readonly token: string | undefined;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly hub: EventHub;
  /** Undefined where no service has a sample request. */
  readonly load: SampleLoad | undefined;
  /** Undefined where no operator's password is set. */
  readonly deadLetterActions: DeadLetterActions | undefined;
}

/** More streams than this are refused: each is a browser tab. */
const MAX_LISTENERS = 50;

/** Each look-up reads every database and topic: more at once are refused. */
const MAX_LOOKUPS = 8;

/** Longer keys are refused, in characters. */
const MAX_KEY = 1_000;

/** Any text that Postgres takes: who writes the events makes up their keys. */
const EventKey = Type.Object({
  key: Type.String({
    description: 'Of the events',
    minLength: 1,
    maxLength: MAX_KEY,
    pattern: '^[^\\u0000]+$',
  }),
});

/** The console's own API; what the page shows comes from here, and nothing else does. */
export function consoleRoutes(parts: ConsoleParts): FastifyPluginAsyncTypebox {
  const { hub, load, observed, takeSnapshot } = parts;
  const DeadLetter = Type.Object({
    service: Type.Enum(observed.map(({ service }) => service.shortName)),
    id: Count('Of the dead letter', { minimum: 1 }),
  });
  // Before anything of the request is read: a stranger learns nothing from how a body is checked.
  const change = { onRequest: requireToken(parts.token) };
  const refused = {
    401: problemResponse('The token is missing or wrong.'),
    403: problemResponse(
      'This console only shows, the request comes from another site, or `Host` is no name of it.',
    ),
  };
  const closed = { ...refused, 404: problemResponse('There is no such open dead letter.') };
  const shown = {
    403: problemResponse('`Host` is no name of this console.'),
    503: problemResponse('It takes too long, or too many look.'),
  };
  let lookups = 0;
  const deadLetterActions = () => {
    if (parts.deadLetterActions) return parts.deadLetterActions;
    throw new Problem(
      403,
      'read-only',
      'Dead letters are only shown: DLQ_OPERATOR_PASSWORD is not set where this runs.',
    );
  };

  return async (app) => {
    app.get(
      '/api/snapshot',
      { schema: { summary: 'The whole system as it is now', tags: ['system'], response: shown } },
      async (_request, reply) => reply.header('cache-control', 'no-store').send(await takeSnapshot()),
    );

    app.get(
      '/api/events',
      {
        // It would never end, and has nothing to say.
        exposeHeadRoute: false,
        schema: {
          summary: 'The same, again and again, as server-sent events',
          tags: ['system'],
          response: shown,
        },
      },
      async (_request, reply) => {
        if (hub.listeners >= MAX_LISTENERS)
          throw new Problem(503, 'too-many-listeners', `${MAX_LISTENERS} pages are open already.`);
        hub.join(reply);
        return reply;
      },
    );

    app.get(
      '/api/keys/:key',
      {
        schema: {
          summary: 'The timeline of one key, and what keeps its events from going on',
          tags: ['system'],
          params: EventKey,
          response: shown,
        },
      },
      async ({ params }, reply) => {
        if (lookups >= MAX_LOOKUPS)
          throw new BusyError(`${MAX_LOOKUPS} keys are being looked up already. Try again.`);
        lookups += 1;
        const timeline = await findTimeline(parts, params.key).finally(() => {
          lookups -= 1;
        });
        const now = Date.now();
        const { problems, key } = timeline;
        const answer = {
          key,
          now,
          problems,
          steps: stepsOf(timeline),
          verdict: diagnoseTimeline(timeline, now),
        };
        return reply.header('cache-control', 'no-store').send(answer);
      },
    );

    app.get(
      '/api/session',
      { ...change, schema: { summary: 'Is the token right?', tags: ['actions'], response: refused } },
      async () => ({ granted: true }),
    );

    if (load)
      app.put(
        '/api/load',
        {
          ...change,
          schema: {
            summary: 'Send sample requests at a rate, for five minutes at most; 0 stops',
            tags: ['actions'],
            body: Type.Object(
              { perSecond: Count('Requests a second', { maximum: MAX_PER_SECOND }) },
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
      '/api/dead-letters/:service/:id/replay',
      {
        ...change,
        schema: {
          summary: 'Let the service handle a dead letter again, and those behind it',
          tags: ['actions'],
          params: DeadLetter,
          response: closed,
        },
      },
      async ({ params: { service, id } }) => ({ replays: await deadLetterActions().replay(service, id) }),
    );

    app.post(
      '/api/dead-letters/:service/:id/discard',
      {
        ...change,
        schema: {
          summary: 'Give a dead letter up',
          tags: ['actions'],
          params: DeadLetter,
          body: Type.Object({ reason: Text('Why', 500) }, { additionalProperties: false }),
          response: closed,
        },
      },
      async ({ params: { service, id }, body }) => ({
        released: await deadLetterActions().discard(service, id, body.reason.trim()),
      }),
    );
  };
}

async function findTimeline({ observed, kafka, connect }: ConsoleParts, key: string): Promise<Timeline> {
  const access = await attempt('Kafka', () => kafka.access());
  return traceKey({ services: observed, kafka: access, connect }, key);
}
