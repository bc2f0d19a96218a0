import { expect, test } from '@jest/globals';
import { ConfigError, Port, postgresSettings, readConfig, Secret } from '../config.js';

test('text becomes what the schema says, and defaults fill the gaps', () => {
  expect(
    readConfig({ ...postgresSettings, PW: Secret() }, { POSTGRES_PORT: '6000', PW: 'x', OTHER: 'y' }),
  ).toEqual({
    POSTGRES_HOST: 'localhost',
    POSTGRES_PORT: 6000,
    POSTGRES_SSLMODE: 'disable',
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
    'Configuration: PW is not set; P must be integer. Every variable is described in .env.example.',
  );
});
