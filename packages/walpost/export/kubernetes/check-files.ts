import { isDeepStrictEqual } from 'node:util';
import type { ConnectorFile } from '../../connect/connector-files.ts';
import { type KubernetesFiles, kubernetesFiles } from './kubernetes-files.ts';
import { stopSeconds } from './program.ts';
import { pathOf, type ReadResource, readBack } from './read-back.ts';
import type { Resource, Scope } from './resource.ts';
import { secretProblems } from './secret-references.ts';

// biome-ignore-start lint/suspicious/noExplicitAny: read-back.ts has held them against the schemas
type Spec = any;

/**
 * What of an object follows from the project, and must be as it would be written: the rest, as how many there are, and
 * how much memory they have, is whoever runs it to decide.
 */
const GIVEN: Readonly<Record<string, (spec: Spec) => object>> = {
  KafkaTopic: ({ topicName, partitions, config }) => ({ topicName, partitions, config }),
  KafkaUser: ({ authorization }) => ({ authorization }),
  KafkaConnector: ({ class: className, tasksMax, config }) => ({ class: className, tasksMax, config }),
  KafkaConnect: ({ groupId, configStorageTopic, offsetStorageTopic, statusStorageTopic, build, config }) => ({
    ...{ groupId, configStorageTopic, offsetStorageTopic, statusStorageTopic },
    build: { plugins: build?.plugins },
    config: {
      'exactly.once.source.support': config?.['exactly.once.source.support'],
      'config.providers.env.param.allowlist.pattern':
        config?.['config.providers.env.param.allowlist.pattern'],
    },
  }),
  ScaledObject: ({ scaleTargetRef, maxReplicaCount, triggers }) => ({
    scaleTargetRef,
    maxReplicaCount,
    triggers: triggers.map(({ metadata }: Spec) => ({
      metadata: { consumerGroup: metadata.consumerGroup, topic: metadata.topic },
    })),
  }),
  Deployment: ({ template }) => ({
    template: {
      spec: {
        securityContext: template.spec?.securityContext,
        containers: template.spec?.containers.map(({ args, securityContext, ...rest }: Spec) => ({
          ...{ args, securityContext },
          ...probesOf(rest),
          resources: { limits: { memory: there(rest.resources?.limits?.memory) } },
        })),
      },
    },
  }),
  Job: ({ template }) => ({
    template: { spec: { containers: template.spec?.containers.map(({ args }: Spec) => ({ args })) } },
  }),
  PodDisruptionBudget: ({ selector }) => ({ selector }),
  Service: ({ selector, ports }) => ({ selector, ports }),
};

function probesOf({ startupProbe, livenessProbe, readinessProbe }: Spec): object {
  return {
    startupProbe: there(startupProbe),
    livenessProbe: there(livenessProbe),
    readinessProbe: there(readinessProbe),
  };
}
// biome-ignore-end lint/suspicious/noExplicitAny: …

/** Whatever it is, if it is there. */
function there(value: unknown): string | undefined {
  return value === undefined ? undefined : 'there';
}

/**
 * Reads the files of an export back: strictly by the schemas of their kinds, and then whether they are still those of the
 * project.
 *
 * @param texts the files by their names
 * @param connectors as the connector files have them
 * @returns what is wrong, a line each; nothing when nothing is
 */
export function checkFiles(
  scope: Scope,
  connectors: readonly ConnectorFile[],
  texts: Readonly<Record<string, string>>,
): string[] {
  const { read, problems } = readBack(texts);
  const expected = kubernetesFiles(scope, connectors);
  return [
    ...problems,
    // What could not be read would be missed as well.
    ...(problems.length > 0 ? [] : missing(expected, read)),
    ...read.flatMap((each) => strange(expected, each)),
    ...read.flatMap((each) => labelProblems(each)),
    ...read.flatMap((each) => secretProblems(scope, each)),
  ];
}

function missing(expected: KubernetesFiles, read: readonly ReadResource[]): string[] {
  const found = read.map(({ resource }) => keyOf(resource));
  const twice = read.filter(({ resource }, at) => found.indexOf(keyOf(resource)) < at);
  const away = Object.entries(expected).flatMap(([file, objects]) =>
    objects
      .filter((each) => !found.includes(keyOf(each)))
      .map(({ kind, metadata }) => `${file}: ${kind} ${metadata.name} is missing`),
  );
  return [...away, ...twice.map(({ where }) => `${where}: it is there twice`)];
}

/** How an object differs from what would be written, where it must not. */
function strange(expected: KubernetesFiles, { where, resource }: ReadResource): string[] {
  const wanted = Object.values(expected)
    .flat()
    .find((each) => keyOf(each) === keyOf(resource));
  if (!wanted) return [`${where}: the project has no such thing`];
  const given = GIVEN[resource.kind];
  const differing = given ? differences(given(wanted.spec), given(resource.spec), ['spec']) : [];
  const source =
    resource.kind === 'KafkaConnector' ? `connectors/${resource.metadata.name}.json` : 'the project';
  return differing.map(
    ({ path, is, wanted: other }) => `${where}: ${path} is ${shown(is)}, and ${source} has ${shown(other)}`,
  );
}

/** A Job has another name when it does something else. */
function keyOf({ kind, metadata }: Resource): string {
  return `${kind} ${kind === 'Job' ? metadata.name.replace(/-[0-9a-f]{8}$/, '') : metadata.name}`;
}

interface Difference {
  readonly path: string;
  readonly is: unknown;
  readonly wanted: unknown;
}

function differences(wanted: unknown, is: unknown, parts: readonly string[]): Difference[] {
  if (isDeepStrictEqual(wanted, is)) return [];
  if (!isContainer(wanted) || !isContainer(is) || Array.isArray(wanted) !== Array.isArray(is))
    return [{ path: pathOf(parts), is, wanted }];
  const fields = [...new Set([...Object.keys(wanted), ...Object.keys(is)])];
  return fields.flatMap((field) => differences(wanted[field], is[field], [...parts, field]));
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** A Deployment finds its own Pods, and gives them the time that they need to stop. */
function labelProblems({ where, resource }: ReadResource): string[] {
  if (resource.kind !== 'Deployment') return [];
  const { selector, template } = resource.spec as {
    selector: { matchLabels?: Record<string, string> };
    template: {
      metadata?: { labels?: Record<string, string> };
      spec?: { terminationGracePeriodSeconds?: number };
    };
  };
  const labels = template.metadata?.labels ?? {};
  const lost = Object.entries(selector.matchLabels ?? {}).filter(([name, value]) => labels[name] !== value);
  const grace = template.spec?.terminationGracePeriodSeconds ?? 30;
  return [
    ...lost.map(
      ([name, value]) => `${where}: its selector wants ${name}=${value}, which its Pods do not have`,
    ),
    ...(grace < stopSeconds()
      ? [`${where}: terminationGracePeriodSeconds is ${grace}, and a stop takes up to ${stopSeconds()}`]
      : []),
  ];
}
