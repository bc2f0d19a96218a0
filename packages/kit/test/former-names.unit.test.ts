import { expect, test } from '@jest/globals';
import { Type } from 'typebox';
import { readConfig } from '../environment.ts';
import { formerVariables, withFormerVariables } from '../former-names.ts';

test.each(Object.entries(formerVariables))('%s is read as %s, unless that is set', (former, name) => {
  const read = (environment: NodeJS.ProcessEnv) =>
    readConfig({ [name]: Type.Optional(Type.String()) }, environment)[name];
  expect(read({ [former]: 'old' })).toBe('old');
  expect(read({ [former]: 'old', [name]: '' })).toBe('old');
  expect(read({ [former]: 'old', [name]: 'new' })).toBe('new');
  expect(read({ [former]: '' })).toBeUndefined();
  expect(withFormerVariables({ [former]: 'old', OTHER: 'x' })).toEqual({
    [former]: 'old',
    [name]: 'old',
    OTHER: 'x',
  });
});
