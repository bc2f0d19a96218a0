import type { FastifyInstance, FastifyRequest } from 'fastify';
import { activeTracing, type OpenSpan } from './trace.js';

/** Asked by machines every few seconds; a span of each would bury the others. */
const UNTRACED = /^\/(health|metrics|docs)\b/;

/**
 * Makes a span of every request, when tracing is on as the application is built. The header `traceparent` of the request
 * is that of the span from then on: a route that hands it on needs to know nothing of spans.
 */
export function traceRequests(app: Pick<FastifyInstance, 'addHook'>): void {
  const tracing = activeTracing();
  if (!tracing) return;
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url;
    if (route === undefined || UNTRACED.test(route)) return done();
    const { traceparent } = request.headers;
    const span = tracing.begin(`${request.method} ${route}`, {
      kind: 'server',
      parent: typeof traceparent === 'string' ? traceparent : undefined,
      attributes: {
        'http.request.method': request.method,
        'http.route': route,
        'url.scheme': request.protocol,
      },
    });
    spans.set(request, span);
    request.headers['traceparent'] = span.traceparent;
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply;
    const error = statusCode >= 500 ? `status ${statusCode}` : undefined;
    spans.get(request)?.end({ 'http.response.status_code': statusCode }, error);
    done();
  });
}
