/** A concept that a scenario shows running, and where this page shows the same thing of this system. */
export const concepts: readonly {
  /** Of `npm run scenario`. */
  readonly scenario: string;
  readonly section: string;
  /** What there is to see. */
  readonly seen: string;
}[] = [
  { scenario: 'broadcast', section: 'consumers', seen: 'one row a group, each with its own place' },
  { scenario: 'retention', section: 'topics', seen: 'records stay, whoever has read them' },
  { scenario: 'ordering', section: 'key', seen: 'the events of one key, by version' },
  { scenario: 'more-partitions', section: 'topics', seen: 'the partitions of each topic' },
  { scenario: 'idle-consumer', section: 'consumers', seen: 'members, and what each of them reads' },
  { scenario: 'rebalance', section: 'consumers', seen: 'members, while one more is started' },
  { scenario: 'offsets-topic', section: 'consumers', seen: 'how far each group has committed' },
  {
    scenario: 'first-offset',
    section: 'consumers',
    seen: 'where each group is, and where its partitions end',
  },
  { scenario: 'auto-commit', section: 'key', seen: 'each step of an event is there, or it is said' },
  { scenario: 'manual-ack', section: 'key', seen: 'each step of an event, once' },
  { scenario: 'poison', section: 'dead-letters', seen: 'what was set aside, and what waits behind it' },
  { scenario: 'synchronous', section: 'flow', seen: 'what goes on while a service is stopped' },
  { scenario: 'dual-write', section: 'flow', seen: 'the outbox, between the row and Kafka' },
  { scenario: 'ghost-event', section: 'flow', seen: 'as many rows in the outbox as were committed' },
  { scenario: 'polling-outbox', section: 'relays', seen: 'how far a relay has read the log' },
  { scenario: 'stopped-relay', section: 'relays', seen: 'the log that Postgres keeps for a slot' },
];
