import { expect, test } from '@jest/globals';
import { Type } from 'typebox';
import { Host, HttpUrl, OpenUrl, Port, postgresSettings, readConfig, Secret } from '../environment.ts';
import { ConfigError } from '../errors.ts';

test('text becomes what the schema says, and defaults fill the gaps', () => {
  expect(
    readConfig({ ...postgresSettings, PW: Secret() }, { POSTGRES_PORT: '6000', PW: 'x', OTHER: 'y' }),
  ).toEqual({
    POSTGRES_HOST: 'localhost',
    POSTGRES_PORT: 6000,
    POSTGRES_SSLMODE: 'disable',
    POSTGRES_POOLER: 'none',
    PW: 'x',
  });
});

test('an empty variable counts as unset', () => {
  expect(readConfig({ P: Port(80) }, { P: '' })).toEqual({ P: 80 });
});

test('one line names everything that is wrong', () => {
  const read = () => readConfig({ P: Port(80), PW: Secret() }, { P: 'http', PW: '' });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(
    'Configuration: PW is not set; P: "http" is not a port. Every variable is described in .env.example.',
  );
});

test.each([
  [HttpUrl('http://here'), 'htp://there', '"htp://there" is not an http address'],
  [HttpUrl(), 'http://there:65536', '"http://there:65536" is not an http address'],
  [HttpUrl(), 'http://user:s3cret/@there', '"http://…@there" is not an http address'],
  [OpenUrl(), 'http://user:s3cret@there', '"http://there" is not an http address without user and password'],
  [Port(80), '65536', '"65536" is not a port'],
  [Port(80, 1), '0', '"0" is not a port'],
  [Type.Enum(['a', 'b']), 'c', '"c" is not one of a, b'],
  ...[
    ['[::1]', '[::1]'],
    ['localhost:5432', 'localhost:5432'],
    ['postgres://app:s3cret@db/orders', 'postgres://db/orders'],
    ['db one', 'db one'],
  ].map(
    ([value = '', shown]) =>
      [
        Host('localhost'),
        value,
        `"${shown}" is not a host name or an address, without a port and without brackets`,
      ] as const,
  ),
])('a value that is refused is shown, but for what is secret in it: %j, %s', (schema, value, refused) => {
  expect(() => readConfig({ V: schema }, { V: value })).toThrow(`Configuration: V: ${refused}. Every`);
});

test.each(['localhost', 'db-1.internal', 'db_1', '10.0.0.7', '::1', 'fe80::1%eth0', '/var/run/postgresql'])(
  'a host may be %s',
  (value) => {
    expect(readConfig({ V: Host('localhost') }, { V: value })).toEqual({ V: value });
  },
);

test('a secret is not shown when it is refused', () => {
  const read = () => readConfig({ V: Type.String({ minLength: 8 }) }, { V: 's3cret' });
  expect(read).toThrow('Configuration: V must NOT have fewer than 8 characters. Every');
});
