import type { BatchResult } from './handle-batch.js';
import type { Received } from './receive.js';
import { activeTracing, childTraceparent, type OpenSpan } from './trace.js';

/** The spans of a batch's events, by event id. */
export interface BatchTrace {
  /** The batch, where each event's `traceparent` is that of its span: what a handler causes hangs below it. */
  readonly batch: Received[];
  /** Ends the spans of what a committed transaction was about. */
  settle(result: BatchResult): void;
}

/** Begins a span for each event, when tracing is on. One that is held, or a duplicate, is not told of. */
export function traceBatch(group: string, received: Received[]): BatchTrace {
  const tracing = activeTracing();
  if (!tracing) return { batch: received, settle: () => undefined };
  const open = new Map<string, { span: OpenSpan; relayed: () => void }>();

  const batch = received.map((each): Received => {
    if ('error' in each.result) return each;
    const { event } = each.result;
    const { id, key, writtenAt, position } = event;
    const { topic, partition, offset } = position;
    const cause = childTraceparent(event.traceparent);
    const span = tracing.begin(`process ${topic}`, {
      kind: 'consumer',
      parent: tracing.relayParent(id, cause),
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
        'walpost.order.id': key,
      },
    });
    const arrivedAt = Number(each.message.timestamp);
    const relay = { topic, eventId: id, parent: cause, writtenAt: writtenAt ?? arrivedAt, arrivedAt };
    open.set(id, { span, relayed: () => tracing.relayed(relay) });
    return { ...each, result: { event: { ...event, traceparent: span.traceparent } } };
  });

  const end = (id: string | undefined, outcome: string, error?: unknown) => {
    const found = id === undefined ? undefined : open.get(id);
    found?.relayed();
    found?.span.end({ 'walpost.outcome': outcome }, error);
  };
  return {
    batch,
    settle({ handled, letters }) {
      for (const { id } of handled) end(id, 'handled');
      for (const { received: letter, state, error } of letters) end(letter.id, state, error);
    },
  };
}
