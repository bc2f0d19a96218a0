import type { TopicSpec } from '@walpost/kit/contract/topics';
import type { Admin } from '@walpost/kit/kafka/kafkajs';
import { retentionProblem } from '@walpost/kit/service/retention';
import { type Check, fail, ok, warn } from '../check.ts';
import { type Config, retentionOf } from '../config.ts';
import { describeTopics, type TopicDescription } from '../observe/describe-topics.ts';

/** The brokers, and whether every topic is as declared, has its replicas, and is outlived by the inboxes. */
export async function checkKafka(admin: Admin, config: Config): Promise<Check[]> {
  const { topics } = config.system;
  const { brokers } = await admin.describeCluster();
  const described = await describeTopics(admin, topics);
  const names = brokers.map(({ host, port }) => `${host}:${port}`).sort();
  const kafka = ok(
    'Kafka',
    `${brokers.length === 1 ? '1 broker' : `${brokers.length} brokers`}: ${names.join(', ')}`,
  );
  return [kafka, ...topics.map((spec, at) => diagnoseTopic(spec, described[at], config))];
}

function diagnoseTopic(spec: TopicSpec, topic: TopicDescription | undefined, settings: Config): Check {
  const what = `topic ${spec.name}`;
  const apply = 'npx walpost topics apply';
  if (!topic?.exists) return fail(what, 'it is not there: events for it hold up their connector', apply);
  const { partitions, leaders, underReplicated, config, replicationFactor } = topic;
  const leaderless = leaders.filter((leader) => leader < 0).length;
  if (leaderless > 0)
    return fail(what, `${leaderless} of ${partitions} partitions have no leader: brokers are away`);
  if (underReplicated > 0)
    return warn(what, `${underReplicated} of ${partitions} partitions lack a replica: a broker is away`);
  const wrong = Object.entries(spec.config).filter(([name, value]) => config[name] !== value);
  const forgotten = settings.system.contract.topics.some(({ name }) => name === spec.name)
    ? retentionProblem(retentionOf(settings), [{ name: spec.name, config }])
    : undefined;
  if (forgotten !== undefined) return fail(what, forgotten, ...(wrong.length > 0 ? [apply] : []));
  if (wrong.length > 0) {
    const settings = wrong.map(([name, value]) => `${name} is ${config[name]}, declared ${value}`);
    return warn(what, settings.join('; '), apply);
  }
  if (partitions !== spec.partitions) {
    return warn(what, `${partitions} partitions, ${spec.partitions} are declared`, `${apply} --help`);
  }
  return ok(
    what,
    `${partitions === 1 ? '1 partition' : `${partitions} partitions`}, ${replicationFactor} × replicated`,
  );
}
