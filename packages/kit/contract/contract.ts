import type { Type } from 'avsc';
import { type AvroSchema, createType } from './avro-schema.js';
import { contract, type EventData, type TopicEvents } from './events.generated.js';

export type { EventData } from './events.generated.js';

export type EventTopic = keyof TopicEvents;

/** Short names, unique over all topics: `OrderCreated`. */
export type EventName = keyof EventData;

/** The events of some topics. */
export type EventOf<T extends EventTopic> = TopicEvents[T];

/** An event as services see it; narrow it by `type`. */
export type DomainEvent<N extends EventName = EventName> = {
  [K in N]: { readonly type: K; readonly data: EventData[K] };
}[N];

/** One entry of the contract. */
export interface EventType<N extends EventName = EventName> {
  readonly topic: EventTopic;
  readonly name: N;
  /** Full record name, the `ce_type` header: `walpost.orders.OrderCreated`. */
  readonly fullName: string;
  /** TopicRecordNameStrategy: `order-events-walpost.orders.OrderCreated`. */
  readonly subject: string;
  readonly schema: AvroSchema;
  readonly type: Type;
}

/** The whole contract, sorted by topic and name. */
export const eventTypes: readonly EventType[] = contract.map((entry) => ({
  ...entry,
  subject: `${entry.topic}-${entry.fullName}`,
  type: createType(entry.schema),
}));

const byName = new Map<string, EventType>(eventTypes.map((entry) => [entry.name, entry]));
const byFullName = new Map<string, EventType>(eventTypes.map((entry) => [entry.fullName, entry]));

/** The contract entry of an event. */
export function eventType<N extends EventName>(name: N): EventType<N> {
  const entry = byName.get(name);
  if (!entry) throw new Error(`${name} is not an event of the contract`);
  return entry as EventType<N>;
}

/** The contract entry of a full record name (the `ce_type` header), or undefined when the contract has none. */
export function eventTypeByFullName(fullName: string): EventType | undefined {
  return byFullName.get(fullName);
}
