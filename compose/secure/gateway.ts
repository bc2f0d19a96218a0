import { readFileSync } from 'node:fs';
import { authProxies, buildAuthProxy } from './auth-proxy.ts';

/**
 * What is in front of the schema registry and Kafka Connect, which ask nobody who they are: TLS, a user and a
 * password, and what that user may do. Neither of the two can be reached in another way.
 */
const passwords = {
  operator: required('OPERATOR_PASSWORD'),
  service: required('REGISTRY_READER_PASSWORD'),
  console: required('CONSOLE_CONNECT_PASSWORD'),
};
const https = {
  key: readFileSync(required('GATEWAY_KEY_FILE')),
  cert: readFileSync(required('GATEWAY_CERTIFICATE_FILE')),
};

const ports = [
  [authProxies.registry, 8081],
  [authProxies.connect, 8083],
] as const;
const servers = await Promise.all(
  ports.map(async ([proxy, port]) => {
    const server = await buildAuthProxy(proxy, passwords, https);
    await server.listen({ host: '0.0.0.0', port });
    return server;
  }),
);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => Promise.all(servers.map((server) => server.close())));
}

function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  console.error(`gateway: ${name} is not set; compose/secure/services.yaml says what it is`);
  // Read before anything is opened: there is nothing to close.
  process.exit(1);
}
