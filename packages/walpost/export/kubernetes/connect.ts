import type { System } from '@walpost/kit/config';
import { ConfigError } from '@walpost/kit/errors';
import { CONNECT_GROUP } from '../../acls.ts';
import type { ConnectorFile } from '../../connect/connector-files.ts';
import {
  bootstrapServers,
  CERTIFICATE,
  kafkaAuthority,
  ofCluster,
  POSTGRES_AUTHORITY,
  type Resource,
  resource,
  type Scope,
} from './resource.ts';
import { ownServer, plain, secretsOf, type Variable } from './secrets.ts';

/** As the development stack has them, which is where they are tested: a test compares. */
export const KAFKA_VERSION = '4.3.1';
export const DEBEZIUM_VERSION = '3.7.0.Final';

/** Strimzi mounts below /mnt only. */
const AUTHORITY_FOLDER = '/mnt/postgres';
const AUTHORITY = `${AUTHORITY_FOLDER}/${CERTIFICATE}`;
const REST_PORT = 8083;

/** What a connector may change of its producer: latency, throughput and recovery, never servers or security. */
const PRODUCER_OVERRIDES = [
  ...['transaction.timeout.ms', 'linger.ms', 'batch.size', 'buffer.memory', 'compression.type'],
  ...['max.request.size', 'max.in.flight.requests.per.connection', 'enable.idempotence', 'acks'],
  ...['delivery.timeout.ms', 'request.timeout.ms'],
].join(',');

/** Where Kafka Connect's API is. */
export function connectUrl({ name }: System): string {
  return `http://${name}-connect-api:${REST_PORT}`;
}

/**
 * Kafka Connect with Debezium, and the connectors of the files.
 *
 * @throws ConfigError when a file asks for a variable that nobody has
 */
export function connect(scope: Scope, files: readonly ConnectorFile[]): Resource[] {
  const { system } = scope;
  return [
    resource(scope, 'KafkaConnect', system.name, workers(scope, files), {
      annotations: { 'strimzi.io/use-connector-resources': 'true' },
    }),
    // Strimzi lets its operator in, and nobody else.
    resource(scope, 'NetworkPolicy', `${system.name}-connect-clients`, {
      podSelector: { matchLabels: { 'strimzi.io/cluster': system.name, 'strimzi.io/kind': 'KafkaConnect' } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            {
              podSelector: {
                matchLabels: { 'app.kubernetes.io/part-of': system.name },
                matchExpressions: [
                  { key: 'app.kubernetes.io/name', operator: 'In', values: ['console', 'watcher'] },
                ],
              },
            },
          ],
          ports: [{ protocol: 'TCP', port: REST_PORT }],
        },
      ],
    }),
    ...files.map((file) =>
      resource(scope, 'KafkaConnector', file.name, connectorSpec(file), ofCluster(system.name)),
    ),
  ];
}

/** A connector as Strimzi has it: class and number of tasks are apart. */
function connectorSpec({ config }: ConnectorFile): object {
  const { 'connector.class': className, 'tasks.max': tasks, ...rest } = config;
  return { class: className, tasksMax: Number(tasks), config: rest };
}

function workers({ system, target }: Scope, files: readonly ConnectorFile[]): object {
  const variables = variablesOf(files);
  return {
    version: KAFKA_VERSION,
    replicas: 2,
    bootstrapServers: bootstrapServers(target),
    groupId: CONNECT_GROUP,
    configStorageTopic: `${CONNECT_GROUP}-configs`,
    offsetStorageTopic: `${CONNECT_GROUP}-offsets`,
    statusStorageTopic: `${CONNECT_GROUP}-status`,
    tls: { trustedCertificates: [{ secretName: kafkaAuthority(target), certificate: CERTIFICATE }] },
    authentication: {
      type: 'scram-sha-512',
      username: 'connect',
      passwordSecret: { secretName: 'connect', password: 'password' },
    },
    // Why each is so is in packages/walpost/stack/connect.properties.
    config: {
      'config.storage.replication.factor': target.replicationFactor,
      'offset.storage.replication.factor': target.replicationFactor,
      'status.storage.replication.factor': target.replicationFactor,
      'offset.storage.partitions': 5,
      'status.storage.partitions': 1,
      'exactly.once.source.support': 'enabled',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
      'config.providers': 'env',
      'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
      'config.providers.env.param.allowlist.pattern': variables.join('|'),
      'connector.client.config.override.policy': 'Allowlist',
      'connector.client.config.override.allowlist': PRODUCER_OVERRIDES,
      'scheduled.rebalance.max.delay.ms': 0,
    },
    build: {
      output: { type: 'docker', image: target.connectImage },
      plugins: [
        {
          name: 'debezium-postgres',
          artifacts: [
            {
              type: 'maven',
              group: 'io.debezium',
              artifact: 'debezium-connector-postgres',
              version: DEBEZIUM_VERSION,
            },
          ],
        },
      ],
    },
    // A connector's share of the heap is in connectors/README.md.
    jvmOptions: { '-Xms': '128m', '-Xmx': '512m' },
    resources: { requests: { cpu: '200m', memory: '1Gi' }, limits: { memory: '1Gi' } },
    template: {
      pod: {
        terminationGracePeriodSeconds: 30,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        volumes: [
          {
            name: 'postgres-ca',
            secret: { secretName: POSTGRES_AUTHORITY, items: [{ key: CERTIFICATE, path: CERTIFICATE }] },
          },
        ],
      },
      podDisruptionBudget: { maxUnavailable: 1 },
      connectContainer: {
        env: variables.map((name) => variableOf(name, system, target)),
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'postgres-ca', mountPath: AUTHORITY_FOLDER }],
      },
    },
  };
}

/** The variables that connectors have the worker fill in: `${env:POSTGRES_HOST}`. */
function variablesOf(files: readonly ConnectorFile[]): string[] {
  const values = files.flatMap(({ config }) => Object.values(config));
  const found = values.flatMap((value) =>
    [...value.matchAll(/\$\{env:(\w+)\}/g)].map(([, name = '']) => name),
  );
  return [...new Set(found)].sort();
}

/** @throws ConfigError for a variable that is not known */
function variableOf(name: string, system: System, { postgres }: Scope['target']): Variable {
  const known = [
    plain('POSTGRES_HOST', postgres.host),
    plain('POSTGRES_PORT', postgres.port),
    plain('POSTGRES_SSLMODE', 'verify-full'),
    plain('POSTGRES_CA_FILE', AUTHORITY),
    ...system.services.flatMap((service) => (service.hasOwnServer ? ownServer(service, AUTHORITY) : [])),
    plain('RELAY_POLL_MS', 50),
    ...secretsOf(system, 'connect'),
  ];
  const found = known.find((each) => each.name === name);
  if (found) return found;
  throw new ConfigError(
    `a connector asks for \${env:${name}}; Kafka Connect is given ${known.map((each) => each.name).join(', ')}`,
  );
}
