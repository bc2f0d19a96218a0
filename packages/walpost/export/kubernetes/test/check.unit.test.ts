import { expect, test } from '@jest/globals';
import { checkFiles } from '../check-files.ts';
import { systems, textsOf } from './systems.ts';

const texts = { shop: textsOf(systems.shop), parcels: textsOf(systems.parcels) };

/** What `--check` finds in the shop's files after a change. */
function problemsOf(files: Readonly<Record<string, string>>): string[] {
  return checkFiles(systems.shop.scope, systems.shop.connectors, files);
}

/** The text of a file after a change. */
function changed(file: string, from: string | RegExp, to: string): string {
  const before = texts.shop[file] ?? '';
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  return after;
}

test.each(['shop', 'parcels'] as const)('the export of %s is read back without a problem', (name) => {
  const { scope, connectors } = systems[name];
  expect(checkFiles(scope, connectors, texts[name])).toEqual([]);
});

// A mistake of each kind, made once in a file that was right.
test.each<[what: string, file: string, from: string | RegExp, to: string, problem: string]>([
  [
    'a field of Kubernetes that there is not',
    'services.yaml',
    'terminationGracePeriodSeconds: 15',
    'terminationGracePeriod: 15',
    'services.yaml, document 2 (Deployment order): spec.template.spec.terminationGracePeriod is no field that there is',
  ],
  [
    "a field of Strimzi's that there is not",
    'topics.yaml',
    'partitions: 6',
    'partitionCount: 6',
    'topics.yaml, document 1 (KafkaTopic inventory-events): spec.partitionCount is no field that there is',
  ],
  [
    "a field of KEDA's that there is not",
    'services.yaml',
    'maxReplicaCount: 6',
    'maxReplicas: 6',
    'services.yaml, document 5 (ScaledObject order): spec.maxReplicas is no field that there is',
  ],
  [
    'a field deep in a list',
    'connect.yaml',
    'artifact: debezium-connector-postgres',
    'artefact: debezium-connector-postgres',
    'connect.yaml, document 1 (KafkaConnect walpost): spec.build.plugins[0].artifacts[0].artefact is no field that there is',
  ],
  [
    'a field of the metadata',
    'jobs.yaml',
    'namespace: live',
    'nameSpace: live',
    'metadata.nameSpace is no field that there is',
  ],
  [
    'a text for a number',
    'topics.yaml',
    'partitions: 6',
    'partitions: "6"',
    'topics.yaml, document 1 (KafkaTopic inventory-events): spec.partitions must be integer',
  ],
  [
    'a number for a text',
    'jobs.yaml',
    'value: "5432"',
    'value: 5432',
    'spec.template.spec.containers[0].env[1].value must be string',
  ],
  [
    'a number that is too small',
    'services.yaml',
    'maxReplicaCount: 6',
    'maxReplicaCount: 0',
    'spec.maxReplicaCount must be >= 1',
  ],
  [
    'a word that is none of those',
    'users.yaml',
    '- Read',
    '- Reed',
    'users.yaml, document 1 (KafkaUser order-service): spec.authorization.acls[0].operations[0] is none of Read, Write, ',
  ],
  [
    "a field that must be there, of Kubernetes'",
    'services.yaml',
    / {2}selector:\n {4}matchLabels:\n {6}app.kubernetes.io\/name: order\n {6}app.kubernetes.io\/part-of: walpost\n/,
    '',
    'services.yaml, document 2 (Deployment order): spec.selector is missing',
  ],
  [
    "a field that must be there, of Strimzi's",
    'connect.yaml',
    '  groupId: walpost-connect\n',
    '',
    'connect.yaml, document 1 (KafkaConnect walpost): spec.groupId is missing',
  ],
  [
    "a field that must be there, of KEDA's",
    'services.yaml',
    /scaleTargetRef:\n +name: order\n/,
    'pollingInterval: 5\n',
    'services.yaml, document 5 (ScaledObject order): spec.scaleTargetRef is missing',
  ],
  [
    'a name that is not there',
    'topics.yaml',
    '  name: inventory-events\n',
    '',
    'topics.yaml, document 1 (KafkaTopic without a name): metadata.name is missing',
  ],
  [
    'another version',
    'topics.yaml',
    'kafka.strimzi.io/v1\n',
    'kafka.strimzi.io/v1beta2\n',
    'kafka.strimzi.io/v1beta2 KafkaTopic is not one of apps/v1 Deployment, ',
  ],
  [
    'a kind that is not exported',
    'operations.yaml',
    'kind: Service',
    'kind: Secret',
    'operations.yaml, document 2 (Secret console): v1 Secret is not one of ',
  ],
  ['no YAML', 'users.yaml', 'spec:', 'spec: [', 'users.yaml, line '],
  [
    'a field twice',
    'topics.yaml',
    'partitions: 6',
    'partitions: 6\n  partitions: 7',
    'topics.yaml, line 13: Map keys must be unique',
  ],
  [
    'no object',
    'topics.yaml',
    /^/,
    'topics\n---\n',
    'topics.yaml, document 1: undefined undefined is not one of ',
  ],
  [
    'a setting of a connector',
    'connect.yaml',
    'snapshot.mode: when_needed',
    'snapshot.mode: never',
    'connect.yaml, document 3 (KafkaConnector inventory-outbox): spec.config["snapshot.mode"] is "never", and connectors/inventory-outbox.json has "when_needed"',
  ],
  [
    'a setting that a connector lacks',
    'connect.yaml',
    '    exactly.once.support: required\n',
    '',
    'spec.config["exactly.once.support"] is nothing, and connectors/inventory-outbox.json has "required"',
  ],
  [
    'a setting that a connector has in addition',
    'connect.yaml',
    'plugin.name: pgoutput',
    'plugin.name: pgoutput\n    skipped.operations: c',
    'spec.config["skipped.operations"] is "c", and connectors/inventory-outbox.json has nothing',
  ],
  [
    'more tasks',
    'connect.yaml',
    'tasksMax: 1',
    'tasksMax: 2',
    'spec.tasksMax is 2, and connectors/inventory-outbox.json has 1',
  ],
  [
    'a connector that is missing',
    'connect.yaml',
    /---\napiVersion: kafka.strimzi.io\/v1\nkind: KafkaConnector\n(.*\n)*?(?=---)/,
    '',
    'connect.yaml: KafkaConnector inventory-outbox is missing',
  ],
  [
    'a connector that no file has',
    'connect.yaml',
    'name: order-outbox',
    'name: invoice-outbox',
    'connect.yaml, document 4 (KafkaConnector invoice-outbox): the project has no such thing',
  ],
  [
    'another Debezium',
    'connect.yaml',
    'version: 3.7.0.Final',
    'version: 3.6.0.Final',
    'spec.build.plugins[0].artifacts[0].version is "3.6.0.Final", and the project has "3.7.0.Final"',
  ],
  [
    'relays that may write an event twice',
    'connect.yaml',
    'exactly.once.source.support: enabled',
    'exactly.once.source.support: disabled',
    'spec.config["exactly.once.source.support"] is "disabled", and the project has "enabled"',
  ],
  [
    'fewer partitions',
    'topics.yaml',
    'partitions: 6',
    'partitions: 3',
    'topics.yaml, document 1 (KafkaTopic inventory-events): spec.partitions is 3, and the project has 6',
  ],
  [
    'a setting of a topic',
    'topics.yaml',
    'retention.ms: "604800000"',
    'retention.ms: "3600000"',
    'spec.config["retention.ms"] is "3600000", and the project has "604800000"',
  ],
  [
    'a topic that is missing',
    'topics.yaml',
    /^(.*\n)*?---\n/,
    '',
    'topics.yaml: KafkaTopic inventory-events is missing',
  ],
  [
    'a thing that is there twice',
    'operations.yaml',
    /$/,
    '---\napiVersion: v1\nkind: Service\nmetadata:\n  name: console\nspec:\n  selector:\n    app.kubernetes.io/name: console\n    app.kubernetes.io/part-of: walpost\n  ports:\n    - name: http\n      port: 3100\n      targetPort: http\n',
    'operations.yaml, document 5 (Service console): it is there twice',
  ],
  [
    'a user who may do more',
    'users.yaml',
    '- Describe',
    '- Write',
    'users.yaml, document 1 (KafkaUser order-service): spec.authorization.acls[0].operations[1] is "Write", and the project has "Describe"',
  ],
  [
    'more processes than partitions',
    'services.yaml',
    'maxReplicaCount: 6',
    'maxReplicaCount: 12',
    'spec.maxReplicaCount is 12, and the project has 6',
  ],
  [
    "the lag of somebody else's group",
    'services.yaml',
    'consumerGroup: order-service',
    'consumerGroup: orders',
    'spec.triggers[0].metadata.consumerGroup is "orders", and the project has "order-service"',
  ],
  [
    'a container that may write',
    'services.yaml',
    'readOnlyRootFilesystem: true',
    'readOnlyRootFilesystem: false',
    'spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem is false, and the project has true',
  ],
  [
    'a probe that is missing',
    'services.yaml',
    / {10}livenessProbe:\n( {12}.*\n)+/,
    '',
    'spec.template.spec.containers[0].livenessProbe is nothing, and the project has "there"',
  ],
  [
    'no limit of memory',
    'services.yaml',
    / +limits:\n +memory: 224Mi\n/,
    '',
    'spec.template.spec.containers[0].resources.limits.memory is nothing, and the project has "there"',
  ],
  [
    'too little time to stop',
    'services.yaml',
    'terminationGracePeriodSeconds: 15',
    'terminationGracePeriodSeconds: 5',
    'services.yaml, document 2 (Deployment order): terminationGracePeriodSeconds is 5, and a stop takes up to 15',
  ],
  [
    'labels that its selector does not find',
    'services.yaml',
    / {6}labels:\n {8}app.kubernetes.io\/name: order/,
    '      labels:\n        app.kubernetes.io/name: orders',
    'services.yaml, document 2 (Deployment order): its selector wants app.kubernetes.io/name=order, which its Pods do not have',
  ],
  [
    'a Service that finds no Pod',
    'services.yaml',
    / {2}selector:\n {4}app.kubernetes.io\/name: order/,
    '  selector:\n    app.kubernetes.io/name: orders',
    'services.yaml, document 3 (Service order): spec.selector["app.kubernetes.io/name"] is "orders", and the project has "order"',
  ],
  [
    'a Secret that nobody is told of',
    'services.yaml',
    'name: orders-password',
    'name: order-password',
    'refers to password of the Secret order-password, which the project has not',
  ],
  [
    'a key that a Secret does not have',
    'connect.yaml',
    /name: cdc-password\n( +)key: password/,
    'name: cdc-password\n$1key: value',
    'connect.yaml, document 1 (KafkaConnect walpost): spec.template.connectContainer.env[0].valueFrom.secretKeyRef refers to value of the Secret cdc-password',
  ],
  [
    "a Secret of Strimzi's that there is not",
    'connect.yaml',
    'secretName: connect\n',
    'secretName: connector\n',
    'spec.authentication.passwordSecret refers to password of the Secret connector',
  ],
  [
    'a certificate from elsewhere',
    'services.yaml',
    'name: events-cluster-ca-cert',
    'name: events-clients-ca-cert',
    'services.yaml, document 1 (TriggerAuthentication lag-reader): spec.secretTargetRef[0] refers to ca.crt of the Secret events-clients-ca-cert',
  ],
  [
    'a password in the file',
    'jobs.yaml',
    /valueFrom:\n +secretKeyRef:\n +name: postgres-password\n +key: password/,
    'value: hunter2',
    'spec.template.spec.containers[0].env[4] is a secret: refer to a Secret, and keep the value out of the file',
  ],
])('finds %s', (_what, file, from, to, problem) => {
  // Alone: to read the others each time would only take time.
  const problems = problemsOf({ [file]: changed(file, from, to) });
  expect(problems).toContainEqual(expect.stringContaining(problem));
  expect(JSON.stringify(problems)).not.toContain('hunter2');
});

test.each([
  ['services.yaml', /minReplicaCount: 2/, 'minReplicaCount: 3'],
  ['services.yaml', /memory: 224Mi/g, 'memory: 512Mi'],
  ['services.yaml', /lagThreshold: "1000"/g, 'lagThreshold: "200"'],
  ['topics.yaml', /replicas: 3/g, 'replicas: 5'],
  ['connect.yaml', 'cpu: 200m', 'cpu: 2'],
  ['jobs.yaml', 'backoffLimit: 10', 'backoffLimit: 3'],
])('leaves to whoever runs it: %s, %s', (file, from, to) => {
  expect(problemsOf({ ...texts.shop, [file]: changed(file, from, to) })).toEqual([]);
});
