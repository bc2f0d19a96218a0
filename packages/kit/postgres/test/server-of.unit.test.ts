import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { ConfigError } from '../../errors.ts';
import { tlsOptions } from '../server.ts';
import { databaseOf, requirePassword } from '../server-of.ts';

const SERVICE = {
  database: 'parcels',
  passwordVariable: 'PARCELS_PASSWORD',
  databaseUrlVariable: 'SHOP_DATABASE_URL',
};
const folder = mkdtempSync(join(tmpdir(), 'walpost-ca-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ca = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
const file = join(folder, 'ca.pem');
const noCertificate = join(folder, 'no.pem');
writeFileSync(file, ca);
writeFileSync(noCertificate, 'x');

const read = (env: NodeJS.ProcessEnv) => databaseOf(SERVICE, env);

test('without an address of its own, a service has the server of all', () => {
  expect(read({ PARCELS_PASSWORD: 'p' })).toEqual({
    server: { host: 'localhost', port: 5432, sslMode: 'disable' },
    password: 'p',
  });
  const shared = { POSTGRES_HOST: 'db', POSTGRES_PORT: '6000', POSTGRES_SSLMODE: 'verify-ca' };
  expect(read({ ...shared, POSTGRES_CA_FILE: file })).toEqual({
    server: { host: 'db', port: 6000, sslMode: 'verify-ca', ca },
    caFile: file,
  });
  // What is not checked needs no authority.
  expect(read({ POSTGRES_SSLMODE: 'require', POSTGRES_CA_FILE: '/nowhere' }).server).toEqual({
    host: 'localhost',
    port: 5432,
    sslMode: 'require',
  });
});

test('a pooler is between services and every server, whoever says where that is', () => {
  const env = { POSTGRES_POOLER: 'transaction', SHOP_DATABASE_URL: 'postgres://db' };
  expect(read(env).server).toMatchObject({ host: 'db', pooler: true });
  expect(read({ POSTGRES_POOLER: 'transaction' }).server).toMatchObject({ host: 'localhost', pooler: true });
});

test.each([
  ['postgres://db.example', { host: 'db.example', port: 5432, sslMode: 'require' }, 'shared'],
  [
    'postgresql://parcels_app:s%23%2F%40p@db.example:6543/parcels?sslmode=disable',
    { host: 'db.example', port: 6543, sslMode: 'disable' },
    's#/@p',
  ],
  ['postgres://[::1]:6543/', { host: '::1', port: 6543, sslMode: 'require' }, 'shared'],
  [
    `postgres://:p@10.0.0.7?sslmode=verify-full&sslrootcert=${file}`,
    { host: '10.0.0.7', port: 5432, sslMode: 'verify-full', ca },
    'p',
  ],
])('%s says where the database is, and what it leaves open the variables of all', (url, server, password) => {
  const env = { POSTGRES_HOST: 'other', POSTGRES_PORT: '1', POSTGRES_SSLMODE: 'require' };
  expect(read({ ...env, PARCELS_PASSWORD: 'shared', SHOP_DATABASE_URL: url })).toMatchObject({
    server,
    password,
  });
});

test.each([
  ['mysql://db', 'is no postgres address'],
  ['db:5432', 'is no postgres address'],
  ['postgres://u:s3cret@db:65536/', 'is no postgres address'],
  ['postgres:///parcels', 'names no host'],
  ['postgres://a,b/parcels', 'does not name one host'],
  ['postgres://%2Fvar%2Frun/parcels', 'does not name one host'],
  ['postgres://db:0/', 'has the port 0'],
  ['postgres://admin:s3cret@db/', 'names another user than parcels_app, to whom the migrations grant'],
  ['postgres://db/other', 'names another database than parcels, of walpost.config.ts'],
  [
    'postgres://db/?sslmode=prefer',
    'has an sslmode that is not one of disable, require, verify-ca, verify-full',
  ],
  ['postgres://db/?channel_binding=require', 'has channel_binding, and takes sslmode and sslrootcert only'],
  ['postgres://parcels_app:s3cret#x@db/', 'names another'],
  ['postgres://parcels_app:s3cret%@db/', 'has a % that encodes no letter'],
  ['postgres://x:s3cret@db:0/y?z=1', 'has the port 0, and names another user than'],
])('%s is refused in one line without its password', (url, problem) => {
  const reading = () => read({ SHOP_DATABASE_URL: url });
  expect(reading).toThrow(ConfigError);
  expect(reading).toThrow(`Configuration: SHOP_DATABASE_URL ${problem === 'names another' ? '' : problem}`);
  expect(reading).not.toThrow(/s3cret|\n/);
});

test.each([
  [
    { POSTGRES_SSLMODE: 'verify-full', POSTGRES_CA_FILE: '/nowhere' },
    'POSTGRES_CA_FILE: /nowhere cannot be read',
  ],
  [
    { POSTGRES_SSLMODE: 'verify-full', POSTGRES_CA_FILE: noCertificate },
    `POSTGRES_CA_FILE: ${noCertificate} holds no certificate`,
  ],
  [
    { SHOP_DATABASE_URL: 'postgres://db/?sslmode=verify-ca&sslrootcert=/nowhere' },
    'SHOP_DATABASE_URL: /nowhere cannot be read',
  ],
])('a file of certificates that is none is named: %j', (env, problem) => {
  expect(() => read(env)).toThrow(ConfigError);
  expect(() => read(env)).toThrow(`Configuration: ${problem}`);
});

test('a password that is nowhere is asked for by both names', () => {
  expect(() => requirePassword(SERVICE, read({}))).toThrow(
    'PARCELS_PASSWORD is not set, and no password is in SHOP_DATABASE_URL',
  );
});

test.each([
  ['disable', undefined],
  ['require', { rejectUnauthorized: false }],
  ['verify-ca', { ca, checkServerIdentity: expect.any(Function) }],
  ['verify-full', { ca }],
] as const)('what %s checks', (sslMode, options) => {
  expect(tlsOptions({ host: 'db', port: 1, sslMode, ca })).toEqual(options);
});
