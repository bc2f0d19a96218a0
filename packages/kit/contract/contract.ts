import type { Type } from 'avsc';
import { type AvroSchema, createType } from './avro-schema.ts';
import { eventTopic, type TopicSpec } from './topics.ts';

/**
 * The contract of the program that is compiled, for the compiler: the generated contract of a project adds its `data`
 * (event → what it holds) and its `topics` (topic → names of its events). Every type below follows from these two.
 */
// biome-ignore lint/suspicious/noEmptyInterface: a project's generated contract merges its declaration with this one
export interface Register {}

type Registered<K extends string, Otherwise> = Register extends { [N in K]: infer Found } ? Found : Otherwise;

/** What each event holds, by its name. */
export type EventData = Registered<'data', Record<string, Record<string, unknown>>>;
type TopicEvents = Registered<'topics', Record<string, string>>;

/** Short names, unique over all topics: `ShipmentBooked`. */
export type EventName = keyof EventData & string;
export type EventTopic = keyof TopicEvents & string;
/** The events of some topics. */
export type EventOf<T extends EventTopic> = TopicEvents[T] & EventName;

/** An event as services see it; narrow it by `type`. */
export type DomainEvent<N extends EventName = EventName> = {
  [K in N]: { readonly type: K; readonly data: EventData[K] };
}[N];

/** What an `.avsc` file says: one entry of a generated contract. */
export interface ContractEntry {
  readonly topic: string;
  readonly name: string;
  /** Full record name, the `ce_type` header: `parcels.ShipmentBooked`. */
  readonly fullName: string;
  readonly schema: AvroSchema;
}

/** An event of a contract. */
export interface EventType<N extends EventName = EventName> extends ContractEntry {
  readonly topic: EventTopic;
  readonly name: N;
  /** TopicRecordNameStrategy: `shipment-events-parcels.ShipmentBooked`. */
  readonly subject: string;
  readonly type: Type;
}

/** What a project has agreed on: its events and their topics. */
export interface Contract {
  /** Sorted by topic and name. */
  readonly eventTypes: readonly EventType[];
  /** The events' topics, as they are to be. */
  readonly topics: readonly TopicSpec[];
  /** @throws Error for a name that is none of the contract's */
  eventType<N extends EventName>(name: N): EventType<N>;
  /** The events of a topic. */
  eventsOf(topic: EventTopic): EventType[];
  /** The event of a full record name (the `ce_type` header), or undefined when the contract has none. */
  byFullName(fullName: string): EventType | undefined;
}

/** Makes a contract of what `.avsc` files say; the generated file does so. */
export function defineContract(entries: readonly ContractEntry[]): Contract {
  // The same generated file declares the types of these names.
  const eventTypes = entries.map((entry) => ({
    ...entry,
    subject: `${entry.topic}-${entry.fullName}`,
    type: createType(entry.schema),
  })) as EventType[];
  const byName = new Map<string, EventType>(eventTypes.map((event) => [event.name, event]));
  const byFullName = new Map<string, EventType>(eventTypes.map((event) => [event.fullName, event]));
  return {
    eventTypes,
    topics: [...new Set(eventTypes.map(({ topic }) => topic))].map(eventTopic),
    eventType<N extends EventName>(name: N) {
      const event = byName.get(name);
      if (!event) throw new Error(`${name} is not an event of the contract`);
      return event as EventType<N>;
    },
    eventsOf: (topic) => eventTypes.filter((event) => event.topic === topic),
    byFullName: (fullName) => byFullName.get(fullName),
  };
}
