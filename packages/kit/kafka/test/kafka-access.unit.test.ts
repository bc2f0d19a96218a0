import { expect, test } from '@jest/globals';
import { eventSettings, readConfig } from '../../environment.ts';
import { ConfigError } from '../../errors.ts';
import { kafkaAccess } from '../kafka-access.ts';

type Variables = Readonly<Record<string, string>>;
const accessBy = (variables: Variables) => kafkaAccess(readConfig(eventSettings, variables));

const SASL_SSL = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' };
const USER = { KAFKA_USERNAME: 'u', KAFKA_PASSWORD: 'p' };
const TOKEN = {
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  KAFKA_OAUTH_TOKEN_URL: 'https://issuer/token',
  KAFKA_OAUTH_CLIENT_ID: 'id',
  KAFKA_OAUTH_CLIENT_SECRET: 'secret',
};
const CLIENT = { KAFKA_CERT_FILE: '/c', KAFKA_KEY_FILE: '/k' };

test.each<[string, Variables, object]>([
  ['nothing', {}, {}],
  ['a user that nobody asks for', USER, {}],
  [
    'SASL_SSL as it has always been',
    { ...SASL_SSL, ...USER },
    { ssl: true, sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' } },
  ],
  [
    'SASL_SSL and an empty mechanism',
    { ...SASL_SSL, ...USER, KAFKA_SASL_MECHANISM: '', KAFKA_CA_FILE: '/ca' },
    { ssl: { ca: '/ca' }, sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' } },
  ],
  [
    'SCRAM-SHA-256',
    { ...SASL_SSL, ...USER, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' },
    { ssl: true, sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'p' } },
  ],
  [
    'PLAIN without TLS',
    { KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', ...USER, KAFKA_SASL_MECHANISM: 'PLAIN' },
    { sasl: { mechanism: 'plain', username: 'u', password: 'p' } },
  ],
  [
    'OAUTHBEARER',
    { ...SASL_SSL, ...TOKEN },
    {
      ssl: true,
      sasl: {
        mechanism: 'oauthbearer',
        tokenUrl: 'https://issuer/token',
        clientId: 'id',
        clientSecret: 'secret',
      },
    },
  ],
  [
    'OAUTHBEARER with a scope, without TLS',
    { KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', ...TOKEN, KAFKA_OAUTH_SCOPE: 'kafka' },
    {
      sasl: {
        mechanism: 'oauthbearer',
        tokenUrl: 'https://issuer/token',
        clientId: 'id',
        clientSecret: 'secret',
        scope: 'kafka',
      },
    },
  ],
  ['TLS alone', { KAFKA_SECURITY_PROTOCOL: 'SSL' }, { ssl: true }],
  [
    'mutual TLS',
    { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_CA_FILE: '/ca', ...CLIENT },
    { ssl: { ca: '/ca', client: { cert: '/c', key: '/k' } } },
  ],
  [
    'mutual TLS and a login',
    { ...SASL_SSL, ...USER, ...CLIENT },
    {
      ssl: { client: { cert: '/c', key: '/k' } },
      sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' },
    },
  ],
])('%s', (_, variables, access) => {
  expect(accessBy(variables)).toEqual({ brokers: ['localhost:9092'], ...access });
});

test.each<[Variables, string]>([
  [SASL_SSL, 'KAFKA_SECURITY_PROTOCOL is SASL_SSL, so KAFKA_USERNAME and KAFKA_PASSWORD must be set'],
  [
    { ...SASL_SSL, KAFKA_USERNAME: 'u' },
    'KAFKA_SECURITY_PROTOCOL is SASL_SSL, so KAFKA_USERNAME and KAFKA_PASSWORD must be set',
  ],
  [
    { KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', KAFKA_SASL_MECHANISM: 'PLAIN' },
    'KAFKA_SASL_MECHANISM is PLAIN, so KAFKA_USERNAME and KAFKA_PASSWORD must be set',
  ],
  ...Object.keys(TOKEN)
    .filter((name) => name.startsWith('KAFKA_OAUTH'))
    .map((name): [Variables, string] => [
      { ...SASL_SSL, ...USER, ...TOKEN, [name]: '' },
      'KAFKA_SASL_MECHANISM is OAUTHBEARER, so KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET must be set',
    ]),
  [
    { ...SASL_SSL, ...USER, KAFKA_OAUTH_SCOPE: 's' },
    'KAFKA_OAUTH_SCOPE is set, but KAFKA_SASL_MECHANISM is not OAUTHBEARER',
  ],
  [
    { ...SASL_SSL, ...USER, ...TOKEN, KAFKA_SASL_MECHANISM: 'PLAIN' },
    'KAFKA_OAUTH_TOKEN_URL is set, but KAFKA_SASL_MECHANISM is not OAUTHBEARER',
  ],
  [
    { KAFKA_SASL_MECHANISM: 'PLAIN', ...USER },
    'KAFKA_SASL_MECHANISM is set, but KAFKA_SECURITY_PROTOCOL is PLAINTEXT, without a login: make it SASL_SSL or SASL_PLAINTEXT',
  ],
  [
    { KAFKA_SECURITY_PROTOCOL: 'SSL', ...TOKEN },
    'KAFKA_SASL_MECHANISM is set, but KAFKA_SECURITY_PROTOCOL is SSL, without a login: make it SASL_SSL or SASL_PLAINTEXT',
  ],
  [
    { KAFKA_CA_FILE: '/ca' },
    'KAFKA_CA_FILE is set, but KAFKA_SECURITY_PROTOCOL is PLAINTEXT, without TLS: make it SSL or SASL_SSL',
  ],
  [
    { KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', ...USER, ...CLIENT },
    'KAFKA_CERT_FILE is set, but KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT, without TLS: make it SSL or SASL_SSL',
  ],
  [
    { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_CERT_FILE: '/c' },
    'KAFKA_CERT_FILE and KAFKA_KEY_FILE must be set together',
  ],
  [
    { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_KEY_FILE: '/k' },
    'KAFKA_CERT_FILE and KAFKA_KEY_FILE must be set together',
  ],
  [
    { KAFKA_SECURITY_PROTOCOL: 'TLS' },
    'KAFKA_SECURITY_PROTOCOL: "TLS" is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL',
  ],
  [
    { ...SASL_SSL, KAFKA_SASL_MECHANISM: 'GSSAPI' },
    'KAFKA_SASL_MECHANISM: "GSSAPI" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER',
  ],
  [
    { ...SASL_SSL, ...TOKEN, KAFKA_OAUTH_TOKEN_URL: 'issuer/token' },
    'KAFKA_OAUTH_TOKEN_URL: "issuer/token" is not an http address without user and password',
  ],
])('%j is refused in one line', (variables, why) => {
  expect(() => accessBy(variables)).toThrow(ConfigError);
  expect(() => accessBy(variables)).toThrow(
    `Configuration: ${why}. Every variable is described in .env.example.`,
  );
});
