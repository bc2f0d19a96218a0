import type { ProcessPart, Site } from './component.ts';
import { javaOf, launchJava, quickCompiler, sharedClasses } from './java.ts';
import { makeRegistryDatabase } from './postgres.ts';
import { probeHttp } from './probe-http.ts';
import { portOf, setting } from './settings.ts';

/** The schema registry, Apicurio, with its storage in Postgres. */
export function registryPart(site: Site): ProcessPart {
  const { settings } = site;
  const management = portOf(site, 'SCHEMA_REGISTRY_MANAGEMENT_PORT');
  return {
    kind: 'process',
    name: 'registry',
    group: 'registry',
    needs: ['postgres'],
    prepare: () => makeRegistryDatabase(site),
    launch: () =>
      launchJava(
        site,
        [
          ...['-Xmx256m', '-XX:+UseSerialGC', quickCompiler, ...sharedClasses(site, 'registry')],
          ...['-jar', 'quarkus-run.jar'],
        ],
        {
          APICURIO_STORAGE_KIND: 'sql',
          APICURIO_STORAGE_SQL_KIND: 'postgresql',
          APICURIO_DATASOURCE_URL: `jdbc:postgresql://127.0.0.1:${portOf(site, 'POSTGRES_PORT')}/registry`,
          APICURIO_DATASOURCE_USERNAME: 'registry',
          APICURIO_DATASOURCE_PASSWORD: setting(settings, 'REGISTRY_PASSWORD'),
          // Its pool's defaults, 20 to 100, would take half of the server's connections.
          APICURIO_DATASOURCE_JDBC_INITIAL_SIZE: '2',
          APICURIO_DATASOURCE_JDBC_MIN_SIZE: '2',
          APICURIO_DATASOURCE_JDBC_MAX_SIZE: '20',
          // The default is NONE, and setting it later does not reach new subjects.
          APICURIO_RULES_GLOBAL_COMPATIBILITY: 'FULL_TRANSITIVE',
          APICURIO_CCOMPAT_MAX_SUBJECTS: '100000',
          QUARKUS_HTTP_HOST: '127.0.0.1',
          QUARKUS_HTTP_PORT: String(portOf(site, 'SCHEMA_REGISTRY_URL')),
          QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
          QUARKUS_MANAGEMENT_PORT: String(management),
        },
        javaOf(site).components.apicurio,
      ),
    probe: (signal) => probeHttp(`http://127.0.0.1:${management}/health/ready`, signal),
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 15,
  };
}
