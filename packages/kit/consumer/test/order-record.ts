import { v7 as uuidv7 } from 'uuid';
import type { EventName } from '../../contract/contract.ts';
import type { Received, ReceivedEvent } from '../receive.ts';

let nextOffset = 1_000;

/** A record as the consumer hands it on: version 1 is an OrderCreated, later ones are OrderConfirmed. */
export function order(key: string, version: number, offset = String(nextOffset++)): Received {
  const id = uuidv7();
  const type: EventName = version === 1 ? 'OrderCreated' : 'OrderConfirmed';
  const event = { type, data: { orderId: key } };
  const position = { topic: 'order-events', partition: 0, offset };
  return {
    message: {
      key: Buffer.from(key),
      value: Buffer.from(JSON.stringify(event)),
      headers: { ce_id: id, aggregateversion: String(version), ce_type: 'walpost.orders.OrderCreated' },
      timestamp: '1750000000000',
      attributes: 0,
      offset,
    },
    position,
    key,
    id,
    version,
    result: { event: { ...event, id, key, version, traceparent: undefined, position } as ReceivedEvent },
  };
}
