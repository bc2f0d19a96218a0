import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { shellWord } from '../shell-word.ts';

test.each(['parcel-7', 'parcel 7', '', "o'clock; date", '$(date)`date`"\\', 'a*b?', '#7', '~', 'a\nb'])(
  '%j stays one word for a shell',
  (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  },
);

test('what needs no quotes has none', () => {
  expect(shellWord('0198f1c2-0000-7000-8000-00000000000a')).toBe('0198f1c2-0000-7000-8000-00000000000a');
});
