/** A topic as it is to be; how often it is replicated depends on the cluster and is passed by the caller. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

const EVENT_CONFIG = {
  'cleanup.policy': 'delete',
  'retention.ms': String(7 * DAY_MS),
  // A segment goes as a whole: with Kafka's own 7 days, a quiet topic would keep a record for 14.
  'segment.ms': String(DAY_MS),
  // What an outbox takes, a topic takes: Kafka's default, said because a broker may have another one.
  'max.message.bytes': '1048588',
  'message.timestamp.type': 'CreateTime',
  // Debezium's producer decides on compression; the broker must not unpack and pack again.
  'compression.type': 'producer',
} as const;

const HEARTBEAT_CONFIG = { 'cleanup.policy': 'delete', 'retention.ms': String(DAY_MS) } as const;

/** A topic of events. */
export function eventTopic(name: string): TopicSpec {
  return { name, partitions: 6, config: EVENT_CONFIG };
}

/**
 * The topic of a connector's heartbeats. It must be there: without it the task waits for the topic, holds up the events
 * behind it, and fails. Nobody reads it.
 */
export function heartbeatTopic(connector: string): TopicSpec {
  return { name: `__debezium-heartbeat.${connector}`, partitions: 1, config: HEARTBEAT_CONFIG };
}
