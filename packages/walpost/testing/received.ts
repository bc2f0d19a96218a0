import type { Received } from '@walpost/kit/consumer/receive';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import type { Sql } from '@walpost/kit/postgres/open-driver';
import { v7 as uuidv7 } from 'uuid';
import { contract } from '../../../schemas/contract.generated.ts';

/** What a consumer would have read, had this event come from its topic. */
export function received(event: DomainEvent, version = 1): Received {
  const id = uuidv7();
  const key = event.data.orderId;
  const position = { topic: contract.eventType(event.type).topic, partition: 0, offset: '0' };
  const message = {
    key: Buffer.from(key),
    value: null,
    headers: {},
    timestamp: '0',
    attributes: 0,
    offset: '0',
  };
  return {
    message,
    position,
    key,
    id,
    version,
    result: { event: { ...event, id, key, version, traceparent: undefined, writtenAt: undefined, position } },
  };
}

export interface PublishedEvent {
  type: string;
  orderId: string;
  version: number;
  data: Record<string, unknown>;
}

/** The outbox of a test database, decoded, each order's events in their order. */
export async function readOutbox(admin: Sql): Promise<PublishedEvent[]> {
  const rows = await admin<
    { type: string; aggregateid: string; aggregateversion: number; payload: Buffer }[]
  >`
    select type, aggregateid, aggregateversion, payload from outbox order by aggregateid, aggregateversion, id`;
  return rows.map(({ type, aggregateid, aggregateversion, payload }) => {
    const entry = contract.byFullName(type);
    if (!entry) throw new Error(`${type} is not in the contract`);
    // Behind the magic byte and the four bytes of the schema id.
    const data = entry.type.decode(payload, 5).value;
    return { type: entry.name, orderId: aggregateid, version: aggregateversion, data };
  });
}
