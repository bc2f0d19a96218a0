import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it came by OTLP; times are ns since the epoch, as text. */
export interface CollectedSpan {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code?: number };
  attributes: Record<string, string | number>;
}

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number };
}

type WireSpan = Omit<CollectedSpan, 'service' | 'attributes'> & { attributes?: Attribute[] };

interface WireBody {
  resourceSpans?: {
    resource?: { attributes?: Attribute[] };
    scopeSpans?: { spans?: WireSpan[] }[];
  }[];
}

export interface Collector {
  url: string;
  /** What it does about spans. A test changes it. */
  mode: 'takes' | 'refuses' | 'is silent';
  spans: CollectedSpan[];
  binaries: Buffer[];
  /** Of every request. */
  headers: IncomingHttpHeaders[];
  close(): Promise<void>;
}

/** A collector of traces by OTLP over HTTP, on a free port. It keeps every span of JSON, and protobuf as it came. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const binaries: Buffer[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const type = request.headers['content-type'] ?? '';
      headers.push(request.headers);
      if (collector.mode === 'is silent') return undefined;
      if (collector.mode === 'refuses' || request.url !== '/v1/traces') return response.writeHead(404).end();
      const body = Buffer.concat(parts);
      if (type === 'application/json') spans.push(...spansOf(JSON.parse(body.toString())));
      else binaries.push(body);
      // An answer without a field is empty in protobuf.
      return response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'takes',
    spans,
    binaries,
    headers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return collector;
}

function spansOf({ resourceSpans = [] }: WireBody): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const service = String(valuesOf(resource?.attributes)['service.name']);
    return scopeSpans
      .flatMap(({ spans = [] }) => spans)
      .map((span) => ({ ...span, service, attributes: valuesOf(span.attributes) }));
  });
}

function valuesOf(attributes: Attribute[] = []): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue } }) => [
      key,
      stringValue ?? doubleValue ?? Number(intValue),
    ]),
  );
}
