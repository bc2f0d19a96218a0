import type { Service } from '@walpost/kit/config';
import { deploymentSpec, httpProbes, kafkaAccess, type Program, postgresAccess } from './program.ts';
import {
  bootstrapServers,
  CERTIFICATE,
  kafkaAuthority,
  podLabels,
  type Resource,
  resource,
  type Scope,
} from './resource.ts';
import { databaseUrls, plain, registryUser, secretsOf } from './secrets.ts';

/** Two, so that one may go. */
const LEAST = 2;
/** By which KEDA asks Kafka for the lag of a service: as that service's own user. */
const LAG_READER = 'lag-reader';

/** The services: each with its address, how many of its processes may go at once, and what has more of them started. */
export function services(scope: Scope): Resource[] {
  const { system } = scope;
  const scaled = system.services.some(({ consumes }) => consumes.length > 0);
  return [...(scaled ? [lagReader(scope)] : []), ...system.services.flatMap((service) => of(scope, service))];
}

function of(scope: Scope, service: Service): Resource[] {
  const { system, target } = scope;
  const { name, group, port, portVariable, main, consumes } = service;
  const program: Program = {
    name,
    image: target.image,
    args: [main],
    env: [
      plain('HOST', '0.0.0.0'),
      plain(portVariable, port),
      ...postgresAccess(target),
      ...kafkaAccess(target, group),
      plain('SCHEMA_REGISTRY_URL', target.registryUrl),
      ...registryUser('reader'),
      ...databaseUrls([service]),
      ...secretsOf(system, name),
    ],
    memory: '224Mi',
    authorities: ['kafka', 'postgres'],
  };
  const container = { ports: [{ name: 'http', containerPort: port }], ...httpProbes() };
  const fixed = consumes.length === 0 ? LEAST : undefined;
  return [
    resource(scope, 'Deployment', name, deploymentSpec(scope, program, fixed, container)),
    resource(scope, 'Service', name, {
      selector: podLabels(scope, name),
      ports: [{ name: 'http', port, targetPort: 'http' }],
    }),
    resource(scope, 'PodDisruptionBudget', name, {
      maxUnavailable: 1,
      selector: { matchLabels: podLabels(scope, name) },
    }),
    ...(fixed === undefined ? [scaling(scope, service)] : []),
  ];
}

/** As many processes as their lag asks for, and no more than have a partition to read. */
function scaling(scope: Scope, { name, group, consumes }: Service): Resource {
  const { system, target } = scope;
  const read = system.topics.filter((topic) => consumes.some((each) => each === topic.name));
  const most = Math.max(...read.map(({ partitions }) => partitions));
  return resource(scope, 'ScaledObject', name, {
    scaleTargetRef: { name },
    minReplicaCount: Math.min(LEAST, most),
    maxReplicaCount: most,
    triggers: consumes.map((topic) => ({
      type: 'kafka',
      metadata: {
        bootstrapServers: bootstrapServers(target),
        consumerGroup: group,
        topic,
        lagThreshold: String(target.lag),
        // As the services begin: where a group has read nothing yet, everything waits.
        offsetResetPolicy: 'earliest',
        sasl: 'scram_sha512',
        tls: 'enable',
      },
      authenticationRef: { name: LAG_READER },
    })),
  });
}

/** Takes user and password from the variables of the Deployment that is scaled. */
function lagReader(scope: Scope): Resource {
  return resource(scope, 'TriggerAuthentication', LAG_READER, {
    env: [
      { parameter: 'username', name: 'KAFKA_USERNAME' },
      { parameter: 'password', name: 'KAFKA_PASSWORD' },
    ],
    secretTargetRef: [{ parameter: 'ca', name: kafkaAuthority(scope.target), key: CERTIFICATE }],
  });
}
