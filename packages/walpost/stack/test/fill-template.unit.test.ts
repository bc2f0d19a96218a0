import { expect, test } from '@jest/globals';
import { fillTemplate } from '../component.ts';

test('names are filled in, and one without a value is an error', () => {
  expect(fillTemplate('a={{x}}:{{y}}\nb={{x}}', { x: 1, y: 'z' })).toBe('a=1:z\nb=1');
  expect(() => fillTemplate('a={{typo}}', { x: 1 })).toThrow('{{typo}}');
});
