import { aclsOf, type Rule } from '../../acls.ts';
import { ofCluster, type Resource, resource, type Scope } from './resource.ts';

/** The topics of events and of heartbeats. Kafka Connect makes its own. */
export function topics(scope: Scope): Resource[] {
  const { system, target } = scope;
  return system.topics.map(({ name, partitions, config }) =>
    resource(
      scope,
      'KafkaTopic',
      nameFor(name),
      { topicName: name, partitions, replicas: target.replicationFactor, config },
      ofCluster(target.cluster),
    ),
  );
}

/** Kafka's users. Strimzi makes each a password, and puts it into a Secret of the user's name. */
export function users(scope: Scope): Resource[] {
  return Object.entries(aclsOf(scope.system)).map(([name, rules]) =>
    resource(
      scope,
      'KafkaUser',
      name,
      {
        authentication: { type: 'scram-sha-512' },
        authorization: { type: 'simple', acls: rules.map(acl) },
      },
      ofCluster(scope.target.cluster),
    ),
  );
}

function acl({ resource: type, name, pattern, operations }: Rule): object {
  const of = type === 'cluster' ? { type } : { type, name, patternType: pattern };
  return { resource: of, operations: [...operations] };
}

/** A name that Kubernetes takes, of a topic's: `__debezium-heartbeat.a-outbox` is `debezium-heartbeat.a-outbox`. */
function nameFor(topic: string): string {
  return topic
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}
