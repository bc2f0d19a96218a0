/** What takes whatever columns a table has. Somebody who adds one would change what it means, or stop it. */
const NAMELESS = [
  /\b(?:select|returning)\s+(?:distinct\s+)?(?:[\w"]+\.)?\*(?!\/)/i,
  /,\s*[a-z_]\w*\.\*/i,
  /\binsert\s+into\s+(?:\$\{[^}]*\}|[\w."]+)\s*(?:select|values|table|overriding)\b/i,
];

/** The places in a text where a statement does not name its columns, one line each. */
export function namelessColumns(text: string): string[] {
  return text
    .split(/\n(?!\s*(?:select|values)\b)/i)
    .filter((line) => NAMELESS.some((pattern) => pattern.test(line)))
    .map((line) => line.trim());
}
