import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { defineConfig } from '@walpost/kit/config';
import type { EventTopic } from '@walpost/kit/contract/contract';
import { STOP_WITHIN } from '@walpost/kit/service/lifecycle';
import { root } from 'walpost/stack/paths';
import { parseAllDocuments } from 'yaml';
import { connectorsOf } from '../../../connect/connector-config.ts';
import { checkFiles } from '../check-files.ts';
import { DEBEZIUM_VERSION, KAFKA_VERSION } from '../connect.ts';
import { kubernetesFiles } from '../kubernetes-files.ts';
import type { Resource } from '../resource.ts';
import { secretsNeeded } from '../secrets.ts';
import { systems, target, textsOf } from './systems.ts';

const names = ['shop', 'parcels'] as const;

/** Of what is written, as who reads the file finds it. */
function objectsOf(name: (typeof names)[number]): Resource[] {
  return Object.values(textsOf(systems[name])).flatMap((text) =>
    [...parseAllDocuments(text)].map((document) => document.toJS() as Resource),
  );
}

function one(name: (typeof names)[number], kind: string, called: string): Resource {
  const found = objectsOf(name).find((each) => each.kind === kind && each.metadata.name === called);
  if (!found) throw new Error(`${name} has no ${kind} ${called}`);
  return found;
}

test.each([
  [
    'shop' as const,
    {
      KafkaTopic: 6,
      KafkaUser: 7,
      Job: 5,
      Deployment: 6,
      Service: 6,
      PodDisruptionBudget: 4,
      ScaledObject: 4,
      TriggerAuthentication: 1,
      KafkaConnect: 1,
      NetworkPolicy: 1,
      KafkaConnector: 3,
    },
  ],
  [
    'parcels' as const,
    {
      KafkaTopic: 2,
      KafkaUser: 5,
      Job: 3,
      Deployment: 4,
      Service: 4,
      PodDisruptionBudget: 2,
      ScaledObject: 1,
      TriggerAuthentication: 1,
      KafkaConnect: 1,
      NetworkPolicy: 1,
      KafkaConnector: 1,
    },
  ],
])('%s has so many of each kind', (name, counts) => {
  const kinds = objectsOf(name).map(({ kind }) => kind);
  const counted = Object.fromEntries(
    [...new Set(kinds)].map((kind) => [kind, kinds.filter((each) => each === kind).length]),
  );
  expect(counted).toEqual(counts);
});

test.each(names)('%s: a topic is as the project has it, one of heartbeats too', (name) => {
  const { system } = systems[name].scope;
  const written = objectsOf(name).filter(({ kind }) => kind === 'KafkaTopic');
  expect(written.map(({ spec }) => spec)).toEqual(
    system.topics.map(({ name: topicName, partitions, config }) => ({
      topicName,
      partitions,
      replicas: 3,
      config,
    })),
  );
});

test('a name that Kubernetes does not take is that of the object only', () => {
  const { metadata, spec } = one('shop', 'KafkaTopic', 'debezium-heartbeat.order-outbox');
  expect(spec).toMatchObject({ topicName: '__debezium-heartbeat.order-outbox', partitions: 1 });
  expect(metadata.labels).toMatchObject({ 'strimzi.io/cluster': 'events' });
});

test.each(names)('%s: a connector has what its file has', (name) => {
  for (const { name: connector, config } of systems[name].connectors) {
    const {
      class: className,
      tasksMax,
      config: rest,
    } = one(name, 'KafkaConnector', connector).spec as {
      class: string;
      tasksMax: number;
      config: object;
    };
    expect({ 'connector.class': className, 'tasks.max': String(tasksMax), ...rest }).toEqual(config);
  }
});

test('a consumer has as many processes as its lag asks for, and no more than partitions', () => {
  expect(one('shop', 'ScaledObject', 'order').spec).toMatchObject({
    scaleTargetRef: { name: 'order' },
    minReplicaCount: 2,
    maxReplicaCount: 6,
    triggers: [
      { metadata: { consumerGroup: 'order-service', topic: 'payment-events', lagThreshold: '1000' } },
      { metadata: { consumerGroup: 'order-service', topic: 'inventory-events' } },
    ],
  });
  // Whoever applies the files again must not undo what KEDA did.
  expect(one('shop', 'Deployment', 'order').spec).not.toHaveProperty('replicas');
  expect(one('parcels', 'Deployment', 'shipment').spec).toHaveProperty('replicas', 2);
});

test('a Pod stops by itself before it is killed, and may do nothing that it need not', () => {
  const { template } = one('shop', 'Deployment', 'payment').spec as { template: { spec: object } };
  expect(template.spec).toMatchObject({
    automountServiceAccountToken: false,
    // PAYMENT_PORT would be an address.
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        args: ['dist/payment/main.js'],
        lifecycle: { preStop: { sleep: { seconds: 5 } } },
        resources: { limits: { memory: '224Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        startupProbe: { httpGet: { path: '/health/live' } },
        livenessProbe: { httpGet: { path: '/health/live' } },
        readinessProbe: { httpGet: { path: '/health/ready' } },
      },
    ],
  });
  const { terminationGracePeriodSeconds: grace } = template.spec as { terminationGracePeriodSeconds: number };
  expect(grace).toBeGreaterThan(5 + STOP_WITHIN / 1_000);
});

test('a Job of another image is another Job', () => {
  const jobs = (toolsImage: string) => {
    const { scope, connectors } = systems.parcels;
    const files = kubernetesFiles({ ...scope, target: { ...target, toolsImage } }, connectors);
    return files['jobs.yaml']?.map(({ metadata }) => metadata.name);
  };
  expect(jobs('parcels:1')).toEqual(jobs('parcels:1'));
  expect(jobs('parcels:1')?.[0]).toMatch(/^migrate-shipment-[0-9a-f]{8}$/);
  expect(jobs('parcels:2')?.[0]).not.toBe(jobs('parcels:1')?.[0]);
});

test.each(names)('%s: secrets are referred to, and each of them is said', (name) => {
  const text = JSON.stringify(objectsOf(name));
  const variables = text.match(/\{"name":"\w*(PASSWORD|TOKEN)".{0,20}/g) ?? [];
  expect(variables.length).toBeGreaterThan(5);
  expect(variables.filter((each) => !each.includes('"valueFrom"'))).toEqual([]);
  const { system } = systems[name].scope;
  const unused = secretsNeeded(system, target).filter((each) => !text.includes(`"${each.name}"`));
  expect(unused.map((each) => each.name)).toEqual([]);
});

test('Kafka and Debezium are those of the development stack', () => {
  const pom = readFileSync(`${root}/packages/walpost/stack/pom.xml`, 'utf8');
  expect(pom).toContain(`<kafka.version>${KAFKA_VERSION}</kafka.version>`);
  expect(pom).toContain(`<debezium.version>${DEBEZIUM_VERSION}</debezium.version>`);
});

test('Kafka Connect is set as that of the development stack', () => {
  const properties = readFileSync(`${root}/packages/walpost/stack/connect.properties`, 'utf8')
    .split('\n')
    .flatMap((line) => (/^[a-z]/.test(line) ? [line.split(/=(.*)/s).slice(0, 2) as [string, string]] : []));
  const { config, groupId, ...topics } = one('shop', 'KafkaConnect', 'walpost').spec as {
    config: Record<string, unknown>;
    groupId: string;
  } & Record<string, string>;
  const here: Record<string, unknown> = {
    ...config,
    'group.id': groupId,
    'config.storage.topic': topics['configStorageTopic'],
    'offset.storage.topic': topics['offsetStorageTopic'],
    'status.storage.topic': topics['statusStorageTopic'],
  };
  // Where it is, how many brokers there are, and whose variables it may read.
  const elsewhere =
    /^(bootstrap\.servers|listeners|plugin\..*|exactly\.once\.source\.support|.*replication\.factor|.*allowlist\.pattern)$/;
  const differing = properties.filter(
    ([key, value]) => !elsewhere.test(key) && String(here[key]) !== String(value),
  );
  expect(differing).toEqual([]);
  expect(here['config.providers.env.param.allowlist.pattern']).toBe(
    'CDC_PASSWORD|POSTGRES_CA_FILE|POSTGRES_HOST|POSTGRES_PORT|POSTGRES_SSLMODE|RELAY_POLL_MS',
  );
});

const { contract } = systems.parcels.scope.system;
test.each([
  [
    'a group that is no name',
    { tracking: { port: 1, group: 'Tracking_Group' } },
    'Tracking_Group is no name that Kubernetes takes for a KafkaUser',
  ],
  [
    'a group that a Secret has',
    { tracking: { port: 1, group: 'tracking-password' } },
    'two things would be the Secret tracking-password',
  ],
  [
    'a group that another Secret has',
    { tracking: { port: 1, group: 'registry-reader' } },
    'the Secret registry-reader',
  ],
])('refuses %s', (_what, services, message) => {
  const system = defineConfig({ name: 'parcels', contract, services });
  expect(() => kubernetesFiles({ system, target }, [])).toThrow(message);
});

test.each([
  [{ namespace: 'My_Shop' }, 'My_Shop is no name that Kubernetes takes for a Namespace'],
  [{ cluster: 'kafka.live' }, 'kafka.live is no name that Kubernetes takes for a Kafka'],
])('refuses %j', (wrong, message) => {
  const { scope, connectors } = systems.parcels;
  expect(() => kubernetesFiles({ ...scope, target: { ...target, ...wrong } }, connectors)).toThrow(message);
});

test('a service on a server of its own has its address of a Secret, and so has Kafka Connect', () => {
  const topic = 'shipment-events' as EventTopic;
  const services = { shipment: { port: 1, publishes: topic, server: 'own' } } as const;
  const scope = { system: defineConfig({ name: 'parcels', contract, services }), target };
  const apart = { scope, connectors: connectorsOf(scope.system) };
  const text = Object.values(textsOf(apart)).join('---\n');
  for (const [variable, key] of [
    ['SHIPMENT_DATABASE_URL', 'url'],
    ['SHIPMENT_POSTGRES_HOST', 'host'],
  ])
    expect(text).toMatch(
      new RegExp(
        `name: ${variable}\\n +valueFrom:\\n +secretKeyRef:\\n +name: shipment-database\\n +key: ${key}\\n`,
      ),
    );
  expect(checkFiles(scope, apart.connectors, textsOf(apart))).toEqual([]);
});

test('refuses a connector that asks for what Kafka Connect is not given', () => {
  const { scope, connectors } = systems.parcels;
  const config = { ...connectors[0]?.config, 'database.user': '$' + '{env:CDC_USER}' };
  expect(() => kubernetesFiles(scope, [{ name: 'shipment-outbox', config }])).toThrow(
    '{env:CDC_USER}; Kafka Connect is given POSTGRES_HOST, ',
  );
});
