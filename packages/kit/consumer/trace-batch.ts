import { type Span, SpanKind } from '@opentelemetry/api';
import {
  activeTracing,
  childTraceparent,
  contextOf,
  failSpan,
  traceparentOfSpan,
} from '../telemetry/trace.ts';
import type { BatchResult } from './handle-batch.ts';
import type { Received } from './receive.ts';

/** The spans of a batch's events, by event id. */
export interface BatchTrace {
  /** The batch, where each event's `traceparent` is that of its span: what a handler causes hangs below it. */
  readonly batch: Received[];
  /** Ends the spans of what a committed transaction was about. */
  recordOutcome(result: BatchResult): void;
}

/** Begins a span for each event, when tracing is on. One whose partition is paused, or a duplicate, gets none. */
export function traceBatch(group: string, received: Received[]): BatchTrace {
  const tracing = activeTracing();
  if (!tracing) return { batch: received, recordOutcome: () => undefined };
  const open = new Map<string, { span: Span; relayed: () => void }>();

  const batch = received.map((each): Received => {
    if ('error' in each.result) return each;
    const { event } = each.result;
    const { id, key, writtenAt, position } = event;
    const { topic, partition, offset } = position;
    const cause = childTraceparent(event.traceparent);
    // The last eight bytes of the event's UUID, which are random and never zero: every consumer knows the relay's span
    // by them.
    const relaySpanId = id.replaceAll('-', '').slice(16);
    const options = {
      kind: SpanKind.CONSUMER,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': Number(offset),
        'messaging.consumer.group.name': group,
        'messaging.message.id': id,
        'messaging.batch.message_count': received.length,
        'walpost.event.type': event.type,
        'walpost.key': key,
      },
    };
    const parent = contextOf(`${cause.slice(0, 36)}${relaySpanId}${cause.slice(52)}`);
    const span = tracing.tracer.startSpan(`process ${topic}`, options, parent);
    const arrivedAt = Number(each.message.timestamp);
    const relay = {
      topic,
      spanId: relaySpanId,
      eventId: id,
      parent: cause,
      writtenAt: writtenAt ?? arrivedAt,
      arrivedAt,
    };
    open.set(id, { span, relayed: () => tracing.relayed(relay) });
    return { ...each, result: { event: { ...event, traceparent: traceparentOfSpan(span) } } };
  });

  const end = (id: string | undefined, outcome: string, error?: unknown) => {
    const found = id === undefined ? undefined : open.get(id);
    if (!found) return;
    found.relayed();
    found.span.setAttribute('walpost.outcome', outcome);
    if (error !== undefined) failSpan(found.span, error);
    found.span.end();
  };
  return {
    batch,
    recordOutcome({ handled, deadLetters }) {
      for (const { id } of handled) end(id, 'handled');
      for (const { received: deadLetter, state, error } of deadLetters) end(deadLetter.id, state, error);
    },
  };
}
