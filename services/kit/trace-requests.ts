import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { activeTracing, childTraceparent, type OpenSpan, traceIdOf } from './trace.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Only while tracing is on. */
    span: OpenSpan | null;
  }
}

/** Asked by machines every few seconds; a span of each would bury the others. */
const UNTRACED = /^\/(health|metrics|docs)\b/;

/**
 * Makes a span of every request, when tracing is on as the application is built: of the routes that are added after this
 * call.
 */
export function traceRequests(app: Pick<FastifyInstance, 'addHook' | 'decorateRequest'>): void {
  app.decorateRequest('span', null);
  const tracing = activeTracing();
  if (!tracing) return;
  // What is the same for all requests of a route is made once: at thousands a second the rest is what tracing costs.
  app.addHook('onRoute', (route) => {
    if (UNTRACED.test(route.url)) return;
    const method = String(route.method);
    const name = `${method} ${route.url}`;
    const attributes = { 'http.request.method': method, 'http.route': route.url, 'url.scheme': 'http' };
    const begin = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction) => {
      request.span = tracing.begin(name, { kind: 'server', parent: sentTraceparent(request), attributes });
      done();
    };
    const end = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
      const { statusCode } = reply;
      const error = statusCode >= 500 ? `status ${statusCode}` : undefined;
      request.span?.end({ 'http.response.status_code': statusCode }, error);
      done();
    };
    route.onRequest = [begin, route.onRequest ?? []].flat();
    route.onResponse = [route.onResponse ?? [], end].flat();
  });
}

/** The `traceparent` for what a request causes: of its span while tracing is on, otherwise its caller's, or a new one. */
export function traceparentOf(request: TracedRequest): string {
  return request.span?.traceparent ?? childTraceparent(sentTraceparent(request));
}

/** The trace that a request is in, undefined when it is in none. */
export function requestTraceId(request: TracedRequest): string | undefined {
  return traceIdOf(request.span?.traceparent ?? sentTraceparent(request));
}

type TracedRequest = Pick<FastifyRequest, 'span' | 'headers'>;

function sentTraceparent({ headers: { traceparent } }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined;
}
