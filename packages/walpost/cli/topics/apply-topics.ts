import { reason } from '@walpost/kit/contract/errors';
import type { TopicSpec } from '@walpost/kit/contract/topics';
import { type Admin, settingsOf } from '@walpost/kit/kafka/kafkajs';
import { CliError } from '../../cli-error.ts';
import { untilAvailable } from '../../wait.ts';

export interface TopicOutcome {
  readonly topic: string;
  readonly changes: readonly string[];
  /** What is not as declared and was left so. */
  readonly warnings: readonly string[];
}

export interface ApplyTopicsOptions {
  readonly replicationFactor: number;
  readonly growPartitions: boolean;
}

/** How long a new topic may take until its partitions have leaders, in seconds. */
const SERVED_WITHIN = 15;

/** Kafka's number for a setting that was made on the topic itself. */
const SET_ON_TOPIC = 1;

/**
 * Makes the topics as declared: creates what is missing, corrects settings, adds partitions when told to.
 * @throws CliError when Kafka refuses
 */
export async function applyTopics(
  admin: Admin,
  specs: readonly TopicSpec[],
  options: ApplyTopicsOptions,
): Promise<TopicOutcome[]> {
  const existing = await admin.listTopics();
  const outcomes: TopicOutcome[] = [];
  for (const spec of specs) {
    const outcome = existing.includes(spec.name)
      ? await correct(admin, spec, options)
      : await create(admin, spec, options);
    outcomes.push({ topic: spec.name, ...outcome });
  }
  return outcomes;
}

type Outcome = Omit<TopicOutcome, 'topic'>;

async function create(
  admin: Admin,
  spec: TopicSpec,
  { replicationFactor }: ApplyTopicsOptions,
): Promise<Outcome> {
  try {
    await admin.createTopics({
      // The library's own wait fails when the broker has not heard of the topic yet.
      waitForLeaders: false,
      topics: [
        {
          topic: spec.name,
          numPartitions: spec.partitions,
          replicationFactor,
          configEntries: Object.entries(spec.config).map(([name, value]) => ({ name, value })),
        },
      ],
    });
    await untilAvailable(() => admin.fetchTopicMetadata({ topics: [spec.name] }), {
      seconds: SERVED_WITHIN,
      retryable: () => true,
    });
  } catch (error) {
    const text = kafkaReason(error);
    const hint = /replication/i.test(text) ? ` (KAFKA_REPLICATION_FACTOR is ${replicationFactor})` : '';
    throw new CliError(`topic ${spec.name} could not be created: ${text}${hint}`, { cause: error });
  }
  return { changes: [`created with ${spec.partitions} partitions`], warnings: [] };
}

async function correct(admin: Admin, spec: TopicSpec, options: ApplyTopicsOptions): Promise<Outcome> {
  const partitions = await correctPartitions(admin, spec, options);
  const settings = await correctSettings(admin, spec);
  return { ...partitions, changes: [...partitions.changes, ...settings] };
}

async function correctPartitions(
  admin: Admin,
  spec: TopicSpec,
  options: ApplyTopicsOptions,
): Promise<Outcome> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [spec.name] });
  const count = topics[0]?.partitions.length ?? 0;
  if (count === spec.partitions) return { changes: [], warnings: [] };
  if (count > spec.partitions) {
    const warning = `has ${count} partitions, ${spec.partitions} are declared; Kafka cannot take partitions away`;
    return { changes: [], warnings: [warning] };
  }
  if (!options.growPartitions) {
    const warning =
      `has ${count} partitions, ${spec.partitions} are declared; --grow-partitions adds them, ` +
      'and keys move to other partitions: until the old records are consumed, those of a key may be handled out of order';
    return { changes: [], warnings: [warning] };
  }
  await admin.createPartitions({ topicPartitions: [{ topic: spec.name, count: spec.partitions }] });
  return {
    changes: [`partitions ${count} → ${spec.partitions}`],
    warnings: ['keys moved to other partitions: only from here on are records of a key in order'],
  };
}

async function correctSettings(admin: Admin, spec: TopicSpec): Promise<string[]> {
  const resource = settingsOf(spec.name);
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
  const entries = resources[0]?.configEntries ?? [];
  const current = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
  const wrong = Object.entries(spec.config).filter(([name, value]) => current.get(name) !== value);
  if (wrong.length === 0) return [];
  // This request resets every setting that it does not name, so what an operator has set on the topic goes along.
  const kept = entries
    .filter((entry) => Number(entry.configSource) === SET_ON_TOPIC && !(entry.configName in spec.config))
    .map((entry) => ({ name: entry.configName, value: entry.configValue }));
  const declared = Object.entries(spec.config).map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ ...resource, configEntries: [...kept, ...declared] }],
  });
  return wrong.map(([name, value]) => `${name} ${current.get(name)} → ${value}`);
}

/** kafkajs packs the reason for a refused topic into a list of errors. */
function kafkaReason(error: unknown): string {
  const first: unknown = error instanceof Error && 'errors' in error ? (error.errors as unknown[])[0] : error;
  return reason(first);
}
