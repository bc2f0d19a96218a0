import { context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import {
  activeTracing,
  childTraceparent,
  contextOf,
  traceIdOf,
  traceparentOfSpan,
} from '../telemetry/trace.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Only while tracing is on. */
    span: Span | null;
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
    const options = {
      kind: SpanKind.SERVER,
      attributes: { 'http.request.method': method, 'http.route': route.url, 'url.scheme': 'http' },
    };
    const begin = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction) => {
      request.span = tracing.tracer.startSpan(name, options, contextOf(sentTraceparent(request)));
      done();
    };
    // Not in `begin`: what follows the body's last byte is called from the connection.
    const enter = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction) =>
      request.span ? context.with(trace.setSpan(ROOT_CONTEXT, request.span), done) : done();
    const end = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
      const { statusCode } = reply;
      request.span?.setAttribute('http.response.status_code', statusCode);
      if (statusCode >= 500)
        request.span?.setStatus({ code: SpanStatusCode.ERROR, message: `status ${statusCode}` });
      request.span?.end();
      done();
    };
    route.onRequest = [begin, route.onRequest ?? []].flat();
    route.preValidation = [enter, route.preValidation ?? []].flat();
    route.onResponse = [route.onResponse ?? [], end].flat();
  });
}

/** The `traceparent` for what a request causes: of its span while tracing is on, otherwise its caller's, or a new one. */
export function traceparentOf(request: TracedRequest): string {
  return request.span ? traceparentOfSpan(request.span) : childTraceparent(sentTraceparent(request));
}

/** The trace that a request is in, undefined when it is in none. */
export function requestTraceId(request: TracedRequest): string | undefined {
  return request.span?.spanContext().traceId ?? traceIdOf(sentTraceparent(request));
}

type TracedRequest = Pick<FastifyRequest, 'span' | 'headers'>;

function sentTraceparent({ headers: { traceparent } }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined;
}
