import type { FastifyInstance, FastifyReply } from 'fastify';
import { Problem, RETRY } from './problem.ts';

/**
 * Answers 503 to the requests of routes that are added after this call when they wait longer than that, or a twentieth
 * more: a frozen database must not hold its callers.
 *
 * One timer looks after all of them. Fastify's `handlerTimeout` makes a timer and an abort signal for each request,
 * which was an eighth of what a request computed that writes a row and its event.
 *
 * @param within ms
 */
export function answerInTime(app: Pick<FastifyInstance, 'addHook'>, within: number): void {
  /** In the order in which they came. */
  const waiting = new Set<FastifyReply>();
  app.addHook('onRequest', (_request, reply, done) => {
    waiting.add(reply);
    done();
  });
  app.addHook('onResponse', (_request, reply, done) => {
    waiting.delete(reply);
    done();
  });
  const timer = setInterval(() => {
    for (const reply of waiting) {
      if (reply.elapsedTime < within) break;
      waiting.delete(reply);
      const isBegun = reply.sent || reply.raw.headersSent;
      if (!isBegun) reply.send(new Problem(503, 'timeout', 'The answer took too long. Try again.', RETRY));
    }
  }, within / 20).unref();
  app.addHook('onClose', (_instance, done) => {
    clearInterval(timer);
    done();
  });
}
