import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findJdk } from 'walpost/stack/find-jdk';
import { root } from 'walpost/stack/paths';
import { systems, textsOf } from '../packages/walpost/export/kubernetes/test/systems.ts';

// Somebody else's opinion of `walpost export kubernetes`: the classes that Strimzi's operators read these objects with, and
// those of Kubernetes' Java client. KEDA has none on Maven. What the classes do not say, as what must be there, is in the
// schemas that --check has.

const exec = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'walpost-kubernetes-'));
const sources = join(root, 'tests/kubernetes');
let java: string;

beforeAll(async () => {
  const { home } = await findJdk(process.env);
  java = join(home, 'bin/java');
  const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
  const to = `-DoutputDirectory=${join(folder, 'jars')}`;
  await exec('mvn', ['--batch-mode', '--quiet', '--file', join(sources, 'pom.xml'), copy, to], {
    env: { ...process.env, JAVA_HOME: home },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reads texts into the classes. @returns what was said, one of each: file, kind, and what is wrong */
async function readInto(texts: Readonly<Record<string, string>>): Promise<string[]> {
  const files = Object.entries(texts).map(([file, text]) => {
    const path = join(folder, file);
    writeFileSync(path, text);
    return path;
  });
  const classes = join(folder, 'jars/*');
  const { stdout } = await exec(java, ['-cp', classes, join(sources, 'ReadBack.java'), ...files]);
  return [...new Set(stdout.trim().split('\n'))].sort();
}

test.each(['shop', 'parcels'] as const)('the classes take the export of %s', async (name) => {
  expect(await readInto(textsOf(systems[name]))).toEqual([
    'connect.yaml: KafkaConnect ok',
    'connect.yaml: KafkaConnector ok',
    'connect.yaml: NetworkPolicy ok',
    'jobs.yaml: Job ok',
    'operations.yaml: Deployment ok',
    'operations.yaml: Service ok',
    'services.yaml: Deployment ok',
    'services.yaml: PodDisruptionBudget ok',
    'services.yaml: ScaledObject has no model here',
    'services.yaml: Service ok',
    'services.yaml: TriggerAuthentication has no model here',
    'topics.yaml: KafkaTopic ok',
    'users.yaml: KafkaUser ok',
  ]);
});

/** A file, what is changed in it, and what the class says then. */
const MISTAKES: readonly [file: string, from: string, to: string, problem: string][] = [
  [
    'services.yaml',
    'GracePeriodSeconds: 15',
    'GracePeriod: 15',
    'Deployment Unrecognized field "terminationGracePeriod"',
  ],
  [
    'services.yaml',
    'maxUnavailable: 1\n',
    'maxAway: 1\n',
    'PodDisruptionBudget Unrecognized field "maxAway"',
  ],
  ['services.yaml', 'targetPort: http', 'targetport: http', 'Service Unrecognized field "targetport"'],
  ['jobs.yaml', 'backoffLimit: 10', 'backoffLimits: 10', 'Job Unrecognized field "backoffLimits"'],
  ['jobs.yaml', 'value: "5432"', 'value: 5432', 'Job Cannot coerce Integer value (5432)'],
  ['topics.yaml', 'partitions: 6', 'partitionCount: 6', 'KafkaTopic Unrecognized field "partitionCount"'],
  ['topics.yaml', 'partitions: 6', 'partitions: "6"', 'KafkaTopic Cannot coerce String value ("6")'],
  ['users.yaml', 'patternType: literal', 'pattern: literal', 'KafkaUser Unrecognized field "pattern"'],
  ['connect.yaml', 'configStorageTopic:', 'configTopic:', 'KafkaConnect Unrecognized field "configTopic"'],
  ['connect.yaml', 'tasksMax: 1', 'tasks: 1', 'KafkaConnector Unrecognized field "tasks"'],
  ['connect.yaml', 'podSelector:', 'pods:', 'NetworkPolicy Unrecognized field "pods"'],
];

test('the classes refuse one mistake of each kind', async () => {
  const texts = textsOf(systems.shop);
  const wrong = MISTAKES.map(([file, from, to], at) => {
    const text = texts[file] ?? '';
    expect(text).toContain(from);
    return [`${at}.yaml`, text.replace(from, to)];
  });
  // At once: a JVM that compiles takes seconds.
  const said = await readInto(Object.fromEntries(wrong));
  for (const [at, [, , , problem]] of MISTAKES.entries())
    expect(said).toContainEqual(expect.stringContaining(`${at}.yaml: ${problem}`));
});
