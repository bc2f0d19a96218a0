import { ConfigError } from '@walpost/kit/errors';
import { stringify } from 'yaml';
import type { ConnectorFile } from '../../connect/connector-files.ts';
import { connect } from './connect.ts';
import { jobs } from './jobs.ts';
import { topics, users } from './kafka.ts';
import { operations } from './operations.ts';
import type { Resource, Scope } from './resource.ts';
import { secretsNeeded } from './secrets.ts';
import { services } from './services.ts';

/** Objects by the files that they are written to, in the sequence in which they are applied. */
export type KubernetesFiles = Readonly<Record<string, readonly Resource[]>>;

const HEADER = `# Written by \`walpost export kubernetes\`; with --check it says what has been changed that must not be.\n`;

/**
 * What a system is in Kubernetes, by files.
 *
 * @param connectors as its connector files have them
 * @throws ConfigError when a name is none that Kubernetes takes, or two things would have the same one
 */
export function kubernetesFiles(scope: Scope, connectors: readonly ConnectorFile[]): KubernetesFiles {
  const files = {
    'topics.yaml': topics(scope),
    'users.yaml': users(scope),
    'jobs.yaml': jobs(scope),
    'services.yaml': services(scope),
    'connect.yaml': connectors.length > 0 ? connect(scope, connectors) : [],
    'operations.yaml': operations(scope),
  };
  const { namespace, cluster } = scope.target;
  const all = [
    { kind: 'Namespace', name: namespace },
    { kind: 'Kafka', name: cluster },
    ...Object.values(files)
      .flat()
      .map(({ kind, metadata }) => ({ kind, name: metadata.name })),
    ...secretsNeeded(scope.system, scope.target).map(({ name }) => ({ kind: 'Secret', name })),
  ];
  for (const [at, { kind, name }] of all.entries()) {
    if (!isName(kind, name)) throw new ConfigError(`${name} is no name that Kubernetes takes for a ${kind}`);
    if (all.slice(0, at).some((other) => other.kind === kind && other.name === name))
      throw new ConfigError(`two things would be the ${kind} ${name}: give one of them another name`);
  }
  return Object.fromEntries(Object.entries(files).filter(([, objects]) => objects.length > 0));
}

/** The text of a file. */
export function yamlOf(objects: readonly Resource[]): string {
  const documents = objects.map((each) =>
    // Without references between parts: people change one place, and mean it.
    stringify(each, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  return HEADER + documents.join('---\n');
}

/** What is in an address is a label of DNS; other names may be longer, and have dots. */
function isName(kind: string, name: string): boolean {
  if (['Service', 'Deployment', 'Namespace', 'Kafka'].includes(kind))
    return /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}
