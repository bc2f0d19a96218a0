import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseOf } from '@walpost/kit/postgres/server-of';
import { workerSecurity } from '../connect-worker.ts';
import { fillTemplate, type ProcessPart, type Site } from './component.ts';
import { escapeProperty } from './escape-property.ts';
import { javaOf, launchJava, quickCompiler, sharedClasses } from './java.ts';
import { kafkaClasses } from './kafka.ts';
import { nativeDir } from './paths.ts';
import { probeHttp } from './probe-http.ts';
import { portOf, setting } from './settings.ts';

/** A Kafka Connect worker with Debezium. */
export function connectPart(site: Site): ProcessPart {
  const { settings } = site;
  const properties = join(site.dataDir, 'conf/connect.properties');
  const port = portOf(site, 'CONNECT_URL');
  // Kafka's own default needs none of it: a Kafka that asks who one is may stand in for the stack's.
  const security = workerSecurity(settings);
  return {
    kind: 'process',
    name: 'connect',
    group: 'connect',
    // It starts without Postgres, but must be stopped before it.
    needs: ['kafka', 'postgres'],
    prepare: async () => {
      await mkdir(join(site.dataDir, 'conf'), { recursive: true });
      const template = await readFile(join(nativeDir, 'connect.properties'), 'utf8');
      const plugins = javaOf(site).components.debezium;
      const brokers = setting(settings, 'KAFKA_BROKERS');
      // The bench compares it with a worker that has it disabled.
      const exactlyOnce = settings['EXACTLY_ONCE_SOURCE_SUPPORT'] ?? 'enabled';
      const kafkaVariables = security.variables.map((name) => `|${name}`).join('');
      const text = fillTemplate(template, { brokers, port, plugins, exactlyOnce, kafkaVariables });
      const added = Object.entries(security.properties).map(
        ([name, value]) => `${name}=${escapeProperty(value)}\n`,
      );
      await writeFile(properties, text + added.join(''));
    },
    launch: () =>
      launchJava(
        site,
        [
          '-Xms128m',
          '-Xmx512m',
          '-XX:+UseSerialGC',
          quickCompiler,
          ...security.jvm,
          ...sharedClasses(site, 'connect'),
          ...kafkaClasses(site),
          'org.apache.kafka.connect.cli.ConnectDistributed',
          properties,
        ],
        // What the allow list of connect.properties names; the worker has no other secret to leak.
        {
          POSTGRES_HOST: setting(settings, 'POSTGRES_HOST'),
          POSTGRES_PORT: setting(settings, 'POSTGRES_PORT'),
          // The Postgres that npm start runs listens on the loopback address and has no certificate.
          POSTGRES_SSLMODE: 'disable',
          POSTGRES_CA_FILE: '',
          ...ownServers(site),
          CDC_PASSWORD: setting(settings, 'CDC_PASSWORD'),
          RELAY_POLL_MS: setting(settings, 'RELAY_POLL_MS'),
          ...Object.fromEntries(security.variables.map((name) => [name, setting(settings, name)])),
        },
      ),
    probe: (signal) => probeHttp(`http://127.0.0.1:${port}/connectors`, signal),
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 20,
  };
}

/** Where the databases are that are not in the Postgres of the stack, for their connectors. */
function ownServers({ system, settings }: Site): Record<string, string> {
  const services = system.services.filter(({ hasOwnServer }) => hasOwnServer);
  const variables = services.map((service) => {
    const { server, caFile = '' } = databaseOf(service, settings);
    const { host, port, sslMode = 'disable' } = server;
    const prefix = service.serverPrefix;
    return {
      [`${prefix}_HOST`]: host,
      [`${prefix}_PORT`]: String(port),
      [`${prefix}_SSLMODE`]: sslMode,
      [`${prefix}_CA_FILE`]: caFile,
    };
  });
  return Object.assign({}, ...variables);
}
