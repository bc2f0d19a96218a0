import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { activeTracing, type OpenSpan } from './trace.js';

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
 * call. The header `traceparent` of the request is that of the span from then on: a route that hands it on needs to know
 * nothing of spans.
 */
export function traceRequests(app: Pick<FastifyInstance, 'addHook' | 'decorateRequest'>): void {
  const tracing = activeTracing();
  if (!tracing) return;
  app.decorateRequest('span', null);
  // What is the same for all requests of a route is made once: at thousands a second the rest is what tracing costs.
  app.addHook('onRoute', (route) => {
    if (UNTRACED.test(route.url)) return;
    const method = String(route.method);
    const name = `${method} ${route.url}`;
    const attributes = { 'http.request.method': method, 'http.route': route.url, 'url.scheme': 'http' };
    const begin = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction) => {
      const { traceparent } = request.headers;
      const parent = typeof traceparent === 'string' ? traceparent : undefined;
      request.span = tracing.begin(name, { kind: 'server', parent, attributes });
      request.headers['traceparent'] = request.span.traceparent;
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
