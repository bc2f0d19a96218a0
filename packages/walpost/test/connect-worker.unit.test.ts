// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Connect fills these in
import { expect, test } from '@jest/globals';
import system from '../../../walpost.config.ts';
import { workerFile } from '../cli/export/connect.ts';
import { UsageError } from '../cli-error.ts';
import { readConfig } from '../config.ts';
import { securityOf, workerSecurity } from '../connect-worker.ts';

const USER = { KAFKA_USERNAME: 'me "too"', KAFKA_PASSWORD: 's3cret' };
const LOGIN = 'org.apache.kafka.common.security';

/** The properties of one kind of client. */
function clientOf(env: Record<string, string>, prefix = ''): Record<string, string> {
  const named = Object.entries(workerSecurity(env).properties).filter(([name]) =>
    /^(security|ssl|sasl)\./.test(name.slice(prefix.length)),
  );
  return Object.fromEntries(
    named
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

test('a Kafka that asks nobody needs nothing', () => {
  expect(workerSecurity(USER)).toEqual({ properties: {}, variables: [], jvm: [] });
});

test.each<[string, Record<string, string>, Record<string, string>, string[], string[]]>([
  [
    'PLAIN',
    { KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', KAFKA_SASL_MECHANISM: 'PLAIN', ...USER },
    {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': `${LOGIN}.plain.PlainLoginModule required username="me \\"too\\"" password="\${env:KAFKA_PASSWORD}";`,
    },
    ['KAFKA_PASSWORD'],
    [],
  ],
  [
    'SCRAM',
    { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_CA_FILE: '/certs/ca.crt', ...USER },
    {
      'security.protocol': 'SASL_SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': '/certs/ca.crt',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required username="me \\"too\\"" password="\${env:KAFKA_PASSWORD}";`,
    },
    ['KAFKA_PASSWORD'],
    [],
  ],
  [
    'OAUTHBEARER',
    {
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_OAUTH_TOKEN_URL: 'https://issuer/token',
      KAFKA_OAUTH_CLIENT_ID: 'id',
      KAFKA_OAUTH_CLIENT_SECRET: 's3cret',
      KAFKA_OAUTH_SCOPE: 'kafka',
    },
    {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.oauthbearer.token.endpoint.url': 'https://issuer/token',
      'sasl.oauthbearer.header.urlencode': 'true',
      'sasl.login.callback.handler.class': `${LOGIN}.oauthbearer.OAuthBearerLoginCallbackHandler`,
      'sasl.jaas.config': `${LOGIN}.oauthbearer.OAuthBearerLoginModule required clientId="id" clientSecret="\${env:KAFKA_OAUTH_CLIENT_SECRET}" scope="kafka";`,
    },
    ['KAFKA_OAUTH_CLIENT_SECRET'],
    ['-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=https://issuer/token'],
  ],
  [
    'mutual TLS',
    {
      KAFKA_SECURITY_PROTOCOL: 'SSL',
      KAFKA_CA_FILE: '/certs/ca.crt',
      KAFKA_CERT_FILE: '/certs/tls.crt',
      KAFKA_KEY_FILE: '/keys/tls.key',
    },
    {
      'security.protocol': 'SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': '/certs/ca.crt',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.certificate.chain': '${dir:/certs:tls.crt}',
      'ssl.keystore.key': '${dir:/keys:tls.key}',
    },
    [],
    [],
  ],
])('%s is said to the worker and to each kind of client that it makes', (_, env, client, variables, jvm) => {
  for (const prefix of ['', 'producer.', 'consumer.', 'admin.'])
    expect([prefix, clientOf(env, prefix)]).toEqual([prefix, client]);
  const security = workerSecurity(env);
  expect([security.variables, security.jvm]).toEqual([variables, jvm]);
});

test('files are read from their own folders only', () => {
  const env = {
    KAFKA_SECURITY_PROTOCOL: 'SSL',
    KAFKA_CERT_FILE: '/certs/tls.crt',
    KAFKA_KEY_FILE: '/keys/tls.key',
  };
  expect(workerSecurity(env).properties).toMatchObject({
    'config.providers': 'env,dir',
    'config.providers.dir.param.allowed.paths': '/certs,/keys',
  });
});

test.each(['a"b', 'a\\b'])(
  'the password %s is refused in one line: Java would read another one',
  (password) => {
    const env = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', ...USER, KAFKA_PASSWORD: password };
    const { kafka } = readConfig({ folder: '.', system }, env);
    expect(() => securityOf(kafka)).toThrow(UsageError);
    expect(() => workerSecurity(env)).toThrow(/^KAFKA_PASSWORD has a " or a \\ in it, .*$/);
  },
);

test('variables that cannot go together are one line here too', () => {
  const read = () => workerSecurity({ KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' });
  expect(read).toThrow(UsageError);
  expect(read).toThrow(/^Configuration: KAFKA_SECURITY_PROTOCOL is SASL_SSL, so KAFKA_USERNAME and/);
});

test('walpost export connect prints a file without a secret, with all that its connectors read', () => {
  const env = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_BROKERS: 'a:1,b:2', ...USER };
  const file = workerFile(readConfig({ folder: '.', system }, env));
  expect(file).not.toContain('s3cret');
  expect(file).toContain('\nbootstrap.servers=a:1,b:2\n');
  expect(file).toMatch(
    /\nconfig\.providers\.env\.param\.allowlist\.pattern=POSTGRES_HOST\|POSTGRES_PORT\|.*\|KAFKA_PASSWORD$/m,
  );
  // A properties file takes a backslash for an escape.
  expect(file).toContain('admin.sasl.jaas.config=');
  expect(file).toContain('username="me \\\\"too\\\\""');
});

test('for a Kafka that asks nobody it prints the brokers and the variables', () => {
  const file = workerFile(readConfig({ folder: '.', system }, {}));
  expect(file).toContain('\nbootstrap.servers=localhost:9092\nconfig.providers=env\n');
  expect(file).not.toContain('security.protocol');
});
