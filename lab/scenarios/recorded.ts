const blockOf = (name: string) =>
  new RegExp(`(\`npm run scenario ${name}\`\n\n\`\`\`\n)([\\s\\S]*?)(^\`\`\`$)`, 'm');

/** The output of a scenario that a Markdown document shows, below its command. */
export function recordedIn(document: string, name: string): string[] | undefined {
  return blockOf(name).exec(document)?.[2]?.trimEnd().split('\n');
}

/** The document with another output of a scenario. @throws when it does not show that scenario */
export function withRecorded(document: string, name: string, lines: readonly string[]): string {
  if (!recordedIn(document, name)) throw new Error(`there is no block below \`npm run scenario ${name}\``);
  return document.replace(
    blockOf(name),
    (_whole, before, _old, after) => `${before}${lines.join('\n')}\n${after}`,
  );
}

/** What a line says but for its figures, which differ from run to run. */
export function withoutFigures(line: string): string {
  return line.replace(/[\d,]*\d/g, 'N').replace(/ +/g, ' ');
}
