import { afterEach, expect, test } from '@jest/globals';
import { openDriver } from '../open-driver.ts';

const given = { host: 'db', port: 1, database: 'orders', username: 'orders_app', password: 'x' };
/** What the driver will do; functions, which are none of these, are left out. */
const chosen = (options: object = given) => JSON.stringify(openDriver(options).options);

// What libpq reads too, with values that it takes, and then what the driver alone does.
const variables = [
  ['PGHOST', 'elsewhere'],
  ['PGPORT', '2'],
  ['PGUSER', 'me'],
  ['PGDATABASE', 'mine'],
  ['PGPASSWORD', 'mine'],
  ['PGAPPNAME', 'psql'],
  ['PGTARGETSESSIONATTRS', 'any'],
  ['PGTARGETSESSIONATTRS', 'standby'],
  ['PGSSLNEGOTIATION', 'direct'],
  ['PGUSERNAME', 'me'],
  ['PGSSL', 'require'],
  ['PGMAX', '1'],
  ['PGIDLE_TIMEOUT', '1'],
  ['PGCONNECT_TIMEOUT', '1'],
  ['PGMAX_LIFETIME', '1'],
  ['PGMAX_PIPELINE', '1'],
  ['PGBACKOFF', '1'],
  ['PGKEEP_ALIVE', '1'],
  ['PGPREPARE', 'off'],
  ['PGDEBUG', 'on'],
  ['PGFETCH_TYPES', 'off'],
  ['PGPUBLICATIONS', 'mine'],
] as const;
afterEach(() => {
  for (const [name] of variables) delete process.env[name];
});

test.each(variables)('%s=%s of the surroundings is for others, and stays for them', (name, value) => {
  // Also where an option is left out.
  for (const options of [given, {}]) {
    const expected = chosen(options);
    process.env[name] = value;
    expect(chosen(options)).toBe(expected);
    expect(process.env[name]).toBe(value);
    delete process.env[name];
  }
});
