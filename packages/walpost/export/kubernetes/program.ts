import { STOP_WITHIN } from '@walpost/kit/service/lifecycle';
import {
  bootstrapServers,
  CERTIFICATE,
  kafkaAuthority,
  POSTGRES_AUTHORITY,
  podLabels,
  type Scope,
  type Target,
} from './resource.ts';
import { from, plain, type Variable } from './secrets.ts';

/** Where the certificates are in a container. */
const FOLDERS = { kafka: '/etc/walpost/kafka', postgres: '/etc/walpost/postgres' } as const;
type Authority = keyof typeof FOLDERS;

/** How long a Pod goes on before it stops, s: until then requests still arrive that were on their way. */
const STILL_REACHED = 5;
/** The user `node` of Node's images. */
const NODE_USER = 1000;

/** A program as a container. */
export interface Program {
  /** What its Pods, its settings and its Deployment are called. */
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly memory: string;
  /** Whose certificates it checks. */
  readonly authorities: readonly Authority[];
}

/** How a program comes to Kafka. @param user of Kafka; Strimzi has its password in a Secret of that name */
export function kafkaAccess(target: Target, user: string): Variable[] {
  return [
    plain('KAFKA_BROKERS', bootstrapServers(target)),
    plain('KAFKA_SECURITY_PROTOCOL', 'SASL_SSL'),
    plain('KAFKA_SASL_MECHANISM', 'SCRAM-SHA-512'),
    plain('KAFKA_CA_FILE', `${FOLDERS.kafka}/${CERTIFICATE}`),
    plain('KAFKA_USERNAME', user),
    from('KAFKA_PASSWORD', user),
  ];
}

/** How a program comes to Postgres. */
export function postgresAccess({ postgres }: Target): Variable[] {
  return [
    plain('POSTGRES_HOST', postgres.host),
    plain('POSTGRES_PORT', postgres.port),
    plain('POSTGRES_SSLMODE', 'verify-full'),
    plain('POSTGRES_CA_FILE', `${FOLDERS.postgres}/${CERTIFICATE}`),
  ];
}

/** The Pods of a program. @param extra of the container, @param rest of the Pod */
export function podTemplate(scope: Scope, program: Program, extra: object, rest: object): object {
  const { target } = scope;
  const { name, image, args, env, memory, authorities } = program;
  const secrets: Record<Authority, string> = {
    kafka: kafkaAuthority(target),
    postgres: POSTGRES_AUTHORITY,
  };
  return {
    metadata: { labels: podLabels(scope, name) },
    spec: {
      ...rest,
      // It never asks Kubernetes for anything.
      automountServiceAccountToken: false,
      // Kubernetes would set SOME_PORT to an address, for each Service, and that is a variable of ours.
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: NODE_USER,
        runAsGroup: NODE_USER,
        fsGroup: NODE_USER,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name,
          image,
          args,
          env,
          // What is this program's own, e.g. LOG_LEVEL: whoever runs it may set it without a change here.
          envFrom: [{ configMapRef: { name: `${name}-settings`, optional: true } }],
          // No limit of the processor: it would stop a program that the machine has time for.
          resources: { requests: { cpu: '100m', memory }, limits: { memory } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'tmp', mountPath: '/tmp' },
            ...authorities.map((each) => ({ name: `${each}-ca`, mountPath: FOLDERS[each], readOnly: true })),
          ],
          ...extra,
        },
      ],
      volumes: [
        { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
        ...authorities.map((each) => ({
          name: `${each}-ca`,
          secret: { secretName: secrets[each], items: [{ key: CERTIFICATE, path: CERTIFICATE }] },
        })),
      ],
    },
  };
}

/** A program that runs until it is stopped. @param replicas undefined when something else says how many */
export function deploymentSpec(
  scope: Scope,
  program: Program,
  replicas: number | undefined,
  container: object,
): object {
  return {
    ...(replicas !== undefined && { replicas }),
    selector: { matchLabels: podLabels(scope, program.name) },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: podTemplate(
      scope,
      program,
      { lifecycle: { preStop: { sleep: { seconds: STILL_REACHED } } }, ...container },
      {
        terminationGracePeriodSeconds: stopSeconds(),
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: podLabels(scope, program.name) },
          },
        ],
      },
    ),
  };
}

/** How long Kubernetes waits before it kills a Pod: until nothing reaches it any more, and then for its own stop. */
export function stopSeconds(): number {
  return STILL_REACHED + Math.ceil(STOP_WITHIN / 1_000) + 1;
}

/** The probes of a program that answers by HTTP as services do. */
export function httpProbes(): object {
  const live = { httpGet: { path: '/health/live', port: 'http' }, timeoutSeconds: 5 };
  return {
    // It is alive before Kafka, the registry and the database are there: a start takes seconds, also on a busy machine.
    startupProbe: { ...live, periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...live, periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: {
      httpGet: { path: '/health/ready', port: 'http' },
      timeoutSeconds: 5,
      periodSeconds: 5,
      failureThreshold: 3,
    },
  };
}
