import { expect, test } from '@jest/globals';
import { fill } from '../fill.ts';

const words = {
  name: 'all',
  yes: true,
  no: false,
  some: [{ name: 'a' }, { name: 'b', inner: [] }],
  inner: [{}],
};

test.each([
  ['x: __name__', 'x: all'],
  ['$' + '{__name__:-}', '$' + '{all:-}'],
  ['SCRAM___SHA___512 __init', 'SCRAM___SHA___512 __init'],
  ['#if yes\nyes\n#end yes\n#if no\nno\n#end no\n', 'yes\n'],
  ['#each some\n- __name__\n#end some\n__name__', '- a\n- b\nall'],
  ['#each some\n#each inner\n__name__\n#end inner\n#end some\n', 'a\n'],
  ['#each some\n#if yes\n__name__\n#end yes\n#end some\n', 'a\nb\n'],
])('%j becomes %j', (template, text) => {
  expect(fill(template, words)).toBe(text);
});

test('a word that is none is named', () => {
  expect(() => fill('__nam__', words)).toThrow('a template asks for nam, ');
});
