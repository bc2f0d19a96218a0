import type { System } from '@walpost/kit/config';

/** An object of Kubernetes, or of an operator that runs there. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/** Where a system is to run, and as what: what `walpost.config.ts` does not say. */
export interface Target {
  /** The Kafka cluster's too: Strimzi makes the Secrets of Kafka's users there, and a Pod reads those of its own. */
  readonly namespace: string;
  /** The name of Strimzi's Kafka. */
  readonly cluster: string;
  /** The image of the services: Node is its entrypoint, the project's folder its working directory. */
  readonly image: string;
  /** One like it that has the package walpost too. */
  readonly toolsImage: string;
  /** Where Strimzi puts the image that it builds of Kafka Connect and the connector's plugin. */
  readonly connectImage: string;
  /** Copies of each partition. */
  readonly replicationFactor: number;
  readonly registryUrl: string;
  readonly postgres: { readonly host: string; readonly port: number };
  /** As many records that wait for a process have another one started. */
  readonly lag: number;
  /** The programs of the command line and of the console, from the project's folder. */
  readonly programs: { readonly walpost: string; readonly console: string };
}

/** The namespace and label that all objects of a system have. */
export interface Scope {
  readonly system: System;
  readonly target: Target;
}

const VERSIONS: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  Job: 'batch/v1',
  Service: 'v1',
  PodDisruptionBudget: 'policy/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  KafkaTopic: 'kafka.strimzi.io/v1',
  KafkaUser: 'kafka.strimzi.io/v1',
  KafkaConnect: 'kafka.strimzi.io/v1',
  KafkaConnector: 'kafka.strimzi.io/v1',
  ScaledObject: 'keda.sh/v1alpha1',
  TriggerAuthentication: 'keda.sh/v1alpha1',
};

/** An object of a kind. @param labels besides the system's */
export function resource(
  { system, target }: Scope,
  kind: string,
  name: string,
  spec: object,
  {
    labels = {},
    annotations,
  }: { labels?: Record<string, string>; annotations?: Record<string, string> } = {},
): Resource {
  return {
    apiVersion: VERSIONS[kind] ?? 'v1',
    kind,
    metadata: {
      name,
      namespace: target.namespace,
      labels: { 'app.kubernetes.io/part-of': system.name, ...labels },
      ...(annotations && { annotations }),
    },
    spec,
  };
}

/** The labels by which the Pods of a program are found. */
export function podLabels({ system }: Scope, program: string): Record<string, string> {
  return { 'app.kubernetes.io/name': program, 'app.kubernetes.io/part-of': system.name };
}

/** What belongs to the Kafka cluster, so that Strimzi's operators find it. */
export function ofCluster(name: string): { labels: Record<string, string> } {
  return { labels: { 'strimzi.io/cluster': name } };
}

/** Where Kafka listens for users with TLS and SCRAM-SHA-512: the listener that Strimzi's Kafka has for it. */
export function bootstrapServers({ cluster }: Target): string {
  return `${cluster}-kafka-bootstrap:9093`;
}

/** The Secret with the certificate of Kafka's authority, which Strimzi makes. */
export function kafkaAuthority({ cluster }: Target): string {
  return `${cluster}-cluster-ca-cert`;
}

/** The Secret with the certificate of Postgres' authority. */
export const POSTGRES_AUTHORITY = 'postgres-ca';
/** What a certificate is called in both. */
export const CERTIFICATE = 'ca.crt';
