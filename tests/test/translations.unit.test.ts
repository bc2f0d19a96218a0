import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from 'walpost/stack/paths';

/** What both languages have in common: the levels of the headings, blocks of code and outputs, commands in the text. */
function skeleton(path: string): { headings: string[]; blocks: string[]; commands: string[] } {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks = [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  return {
    headings: [...prose.matchAll(/^#+(?= )/gm)].map(([level]) => level),
    blocks,
    commands: [...prose.matchAll(/`((?:npm|npx|docker|walpost|curl) [^`]+)`/g)]
      .map(([, command = '']) => command.replace(/\s+/g, ' '))
      .sort(),
  };
}

test.each(['README', 'docs/concepts'])(
  '%s in Korean has the headings, commands and outputs of the English one',
  (path) => {
    const english = skeleton(`${path}.md`);
    expect(english.headings.length).toBeGreaterThan(5);
    expect(english.blocks.length).toBeGreaterThan(3);
    expect(skeleton(`${path}.ko.md`)).toEqual(english);
  },
);
