import { expect, test } from '@jest/globals';
import { authorization, httpAccess, shownUrl } from '../http-access.ts';

test.each([
  ['http://localhost:8081/apis/ccompat/v7', 'http://localhost:8081/apis/ccompat/v7'],
  ['http://localhost:8083', 'http://localhost:8083'],
  ['http://localhost:8083/', 'http://localhost:8083/'],
  ['http://user:s3cret@registry:8081/apis', 'http://registry:8081/apis'],
  ['http://user:s3cret@registry', 'http://registry'],
  ['https://:s3cret@registry/', 'https://registry/'],
  ['http://user:s3@cret@registry/a@b', 'http://registry/a@b'],
  ['http://user:s3%2Fcret@[::1]:8081', 'http://[::1]:8081'],
  ['http://user:s3/cret@registry', 'http://…@registry'],
  ['http://user:s3 cret@reg istry', 'http://…@reg istry'],
  ['user:s3cret@registry:8081', '…@registry:8081'],
  ['ftp://user:s3cret@registry', 'ftp://registry'],
  ['s3cret@', '…@'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});

test('user and password may be in the address, and are sent as a header', () => {
  const access = httpAccess('http://user:s3%2Fcr%C3%A9t@registry:8081/apis');
  expect(access.url).toBe('http://registry:8081/apis');
  expect(authorization(access)).toEqual({
    authorization: `Basic ${Buffer.from('user:s3/crét').toString('base64')}`,
  });
  expect(httpAccess('http://a:b@registry', 'c', 'd').credentials).toEqual({ username: 'c', password: 'd' });
  expect(httpAccess('http://registry//', 'c', '')).toEqual({ url: 'http://registry' });
});

test('what is no address is shown without what is secret in it', () => {
  expect(() => httpAccess('http://user:s3 cret@reg istry')).toThrow(
    '"http://…@reg istry" is not an http address',
  );
});
