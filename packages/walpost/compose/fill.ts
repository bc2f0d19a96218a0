/** What a template is filled with: texts, what `#if` asks, and lists for `#each`. */
export interface Words {
  readonly [word: string]: string | number | boolean | readonly Words[];
}

const BLOCK = /^#(each|if) (\w+)\n([\s\S]*?)^#end \2\n/gm;

/**
 * Fills a template. `__word__` is the word's text; the lines from `#if word` to `#end word` are there when it holds, and
 * those from `#each word` once for each entry of a list, whose words come before the others.
 *
 * @throws Error naming a word that is not there, which is a mistake in the template
 */
export function fill(template: string, words: Words): string {
  return template
    .replace(BLOCK, (_whole, kind: string, word: string, lines: string) => {
      const value = wordOf(words, word);
      if (kind === 'if') return value ? fill(lines, words) : '';
      return (value as readonly Words[]).map((entry) => fill(lines, { ...words, ...entry })).join('');
    })
    .replace(/__([a-z]\w*?)__/g, (_whole, word: string) => String(wordOf(words, word)));
}

function wordOf(words: Words, word: string): Words[string] {
  const value = words[word];
  if (value === undefined) throw new Error(`a template asks for ${word}, which is none of its words`);
  return value;
}
