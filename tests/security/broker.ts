import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKafka } from '@walpost/kit/kafka/create-kafka';
import type { Admin } from '@walpost/kit/kafka/kafkajs';
import { loadProject } from 'walpost/project';
import { type Child, endChild, startChild } from 'walpost/stack/child';
import { fetchComponents } from 'walpost/stack/fetch-components';
import { findJdk } from 'walpost/stack/find-jdk';
import { launchJava, quickCompiler } from 'walpost/stack/java';
import { kafkaClasses } from 'walpost/stack/kafka';
import { takeLock } from 'walpost/stack/lock';
import { runToEnd } from 'walpost/stack/run-to-end';
import { eventually } from 'walpost/testing/eventually';
import { reservePorts } from 'walpost/testing/reserve-ports';
import { type Identity, type IdentityFiles, makeAuthority, makeIdentity, store } from './certificates.ts';
import { AUDIENCE, type Issuer, startIssuer } from './issuer.ts';

export const USER = 'walpost';
export const PASSWORD = 'the right one';

const JAAS = 'org.apache.kafka.common.security';
const LISTENERS = ['OPEN', 'PLAIN', 'SCRAM256', 'SCRAM512', 'OAUTH', 'MTLS', 'MISNAMED'] as const;
export type Listener = (typeof LISTENERS)[number];

/** The variables by which the listeners are reached, in the words of .env.example. */
export type AccessVariables = Readonly<Record<string, string>>;

export interface SecureBroker {
  /** host:port of a listener. */
  at(listener: Listener): string;
  /** How each kind of login is said to services, CLI and Connect. */
  access: Readonly<Record<'PLAIN' | 'SCRAM256' | 'SCRAM512' | 'OAUTH' | 'MTLS', AccessVariables>>;
  issuer: Issuer;
  authority: Identity;
  client: IdentityFiles;
  folder: string;
  /** Gives a user a password for SCRAM-SHA-512, while the broker runs. */
  setPassword(user: string, password: string): Promise<void>;
  /** Removes all topics and groups. */
  clean(): Promise<void>;
  close(): Promise<void>;
}

/** One broker with a listener for every way to log in, an issuer of tokens and an authority of its own. */
export async function startSecureBroker(): Promise<SecureBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'walpost-security-'));
  const block = await reservePorts();
  const issuer = await startIssuer();
  const portOf = (at: number) => Number(block.ports[at]);
  const at = (listener: Listener) => `localhost:${portOf(LISTENERS.indexOf(listener) + 1)}`;
  const authority = await makeAuthority('the test’s authority');
  const ca = (await store(folder, 'ca', authority)).cert;
  const server = await store(folder, 'server', await makeIdentity('kafka', authority));
  const misnamed = await store(folder, 'misnamed', await makeIdentity('kafka', authority, 'elsewhere'));
  const client = await store(folder, 'client', await makeIdentity('client', authority));
  const controller = `127.0.0.1:${portOf(0)}`;
  const listeners = [...LISTENERS.map((name) => `${name}://${at(name)}`)].join(',');
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `CONTROLLER://${controller},${listeners}`,
    'advertised.listeners': listeners,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': controller,
    'inter.broker.listener.name': 'OPEN',
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,OPEN:PLAINTEXT,PLAIN:SASL_PLAINTEXT,SCRAM256:SASL_SSL,SCRAM512:SASL_SSL,OAUTH:SASL_SSL,MTLS:SSL,MISNAMED:SSL',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': server.both,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    'listener.name.mtls.ssl.client.auth': 'required',
    'listener.name.misnamed.ssl.keystore.location': misnamed.both,
    'listener.name.misnamed.ssl.keystore.type': 'PEM',
    'listener.name.plain.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.plain.plain.sasl.jaas.config': `${JAAS}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
    'listener.name.scram256.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'listener.name.scram256.scram-sha-256.sasl.jaas.config': `${JAAS}.scram.ScramLoginModule required;`,
    'listener.name.scram512.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.scram512.scram-sha-512.sasl.jaas.config': `${JAAS}.scram.ScramLoginModule required;`,
    'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
    'listener.name.oauth.oauthbearer.sasl.jaas.config': `${JAAS}.oauthbearer.OAuthBearerLoginModule required;`,
    'listener.name.oauth.oauthbearer.sasl.server.callback.handler.class': `${JAAS}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    'listener.name.oauth.oauthbearer.connections.max.reauth.ms': '3600000',
    'listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url': issuer.jwksUrl,
    'listener.name.oauth.sasl.oauthbearer.expected.audience': AUDIENCE,
    'sasl.oauthbearer.jwks.endpoint.url': issuer.jwksUrl,
    'sasl.oauthbearer.expected.audience': AUDIENCE,
    'sasl.oauthbearer.clock.skew.seconds': '0',
  };
  const file = join(folder, 'kafka.properties');
  await writeFile(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );

  const jdk = await findJdk(process.env);
  const components = await fetchComponents(process.env, jdk, () => undefined, undefined);
  const { system, folder: root } = await loadProject(process.cwd());
  const site = { system, folder: root, settings: {}, dataDir: folder, java: { jdk, components } };
  const launch = (...args: string[]) =>
    launchJava({ ...site, settings: { PATH: String(process.env['PATH']) } }, [
      quickCompiler,
      ...kafkaClasses(site),
      ...args,
    ]);
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${USER},password="${PASSWORD}"]`,
  ]);
  const format = [
    'kafka.tools.StorageTool',
    'format',
    '--standalone',
    '-t',
    'MkU3OEVBNTcwNTJENDM2Qg',
    '-c',
    file,
  ];
  await runToEnd('Formatting', launch(...format, ...scram));
  const lock = await takeLock(join(folder, 'lock'), () => undefined);
  const urls = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.jwksUrl},${issuer.tokenUrl}`;
  const child: Child = await startChild(
    'kafka',
    launch('-Xmx512m', urls, 'kafka.Kafka', file),
    join(folder, 'kafka.log'),
    lock,
  );
  const openAdmin = async <T>(work: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = createKafka({ brokers: [at('OPEN')] }, { clientId: 'test' }).admin();
    try {
      await admin.connect();
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  };
  await eventually(() =>
    openAdmin(async (admin) => (await admin.describeCluster()).brokers.length > 0 || undefined),
  );

  const byPassword = { KAFKA_USERNAME: USER, KAFKA_PASSWORD: PASSWORD };
  const bySsl = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_CA_FILE: ca };
  return {
    at,
    issuer,
    authority,
    client,
    folder,
    access: {
      PLAIN: {
        KAFKA_BROKERS: at('PLAIN'),
        KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
        KAFKA_SASL_MECHANISM: 'PLAIN',
        ...byPassword,
      },
      SCRAM256: {
        KAFKA_BROKERS: at('SCRAM256'),
        ...bySsl,
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
        ...byPassword,
      },
      // Without a mechanism: this is the one that SASL_SSL has always meant.
      SCRAM512: { KAFKA_BROKERS: at('SCRAM512'), ...bySsl, ...byPassword },
      OAUTH: {
        KAFKA_BROKERS: at('OAUTH'),
        ...bySsl,
        KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        KAFKA_OAUTH_TOKEN_URL: issuer.tokenUrl,
        KAFKA_OAUTH_CLIENT_ID: issuer.clientId,
        KAFKA_OAUTH_CLIENT_SECRET: issuer.clientSecret,
      },
      MTLS: {
        KAFKA_BROKERS: at('MTLS'),
        KAFKA_SECURITY_PROTOCOL: 'SSL',
        KAFKA_CA_FILE: ca,
        KAFKA_CERT_FILE: client.cert,
        KAFKA_KEY_FILE: client.key,
      },
    },
    async setPassword(user, password) {
      const change = ['--alter', '--entity-type', 'users', '--entity-name', user];
      const added = ['--add-config', `SCRAM-SHA-512=[password=${password}]`];
      const tool = ['kafka.admin.ConfigCommand', '--bootstrap-server', at('OPEN'), ...change, ...added];
      await runToEnd('Changing a password', launch(...tool));
    },
    clean: () =>
      openAdmin(async (admin) => {
        const { groups } = await admin.listGroups();
        await admin.deleteGroups(groups.map(({ groupId }) => groupId));
        const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
        await admin.deleteTopics({ topics });
        // A topic is gone a moment after it was deleted, and would be in the way of its successor.
        await eventually(
          async () => (await admin.listTopics()).every((topic) => topic.startsWith('__')) || undefined,
        );
      }),
    async close() {
      await endChild(child, 'SIGTERM', 20);
      lock.release();
      block.release();
      await issuer.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
