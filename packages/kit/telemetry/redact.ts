/** A field with text in it, as JSON writes it. Whether its name is a secret's is looked at apart, which stays linear. */
const FIELD = /"([\w.-]+)":"(?:[^"\\]|\\.)*"/g;
/** Field names that hold secrets, in any spelling. */
const SECRET = /password|passphrase|secret|token|authorization|cookie|api_?key/i;
/** User and password in an address: all that is before the last `@` of what may be a host. */
const CREDENTIALS = /:\/\/(?:[^\s/?#"\\]|\\["\\])*@/g;
const BEARER = /\b(bearer|basic) [\w.~+/=-]{8,}/gi;
const DOMAIN = String.raw`(?:[\w-]+(?:\.[\w-]+)+|[a-z][\w-]*)`;
/**
 * An address whose first part is quoted, both quotes in the same spelling, and no longer than RFC 5321, 4.5.3.1.1, has it.
 * It does not end in a sign after which JSON begins a text, which may be `"@scope"`.
 */
const QUOTED_ADDRESS = new RegExp(String.raw`(\\?"|%22)[^"\\]{0,63}[^"\\:,[{]\1(?:@|%40)${DOMAIN}`, 'gi');
/** An escape of JSON, or a run of what may be the first part of an address, each looked at once, and the rest of it. */
const ADDRESS = new RegExp(String.raw`\\u[\da-f]{4}|\\.|[\w.+-]+((?:@|%40)${DOMAIN})?`, 'gi');

/**
 * Takes secrets and people's addresses (`ada@example.org`) out of a text or a finished log line. It looks at the text, because most of them
 * come in error messages of mail servers and drivers, where no field has their name.
 *
 * Its time is linear in the length of the text: a line that takes long to write holds up everything else.
 */
export function redact(line: string): string {
  let text = line;
  if (text.includes('":"'))
    text = text.replace(FIELD, (field, name: string) => (SECRET.test(name) ? `"${name}":"[secret]"` : field));
  if (text.includes('://')) text = text.replace(CREDENTIALS, '://[secret]@');
  text = text.replace(BEARER, '$1 [secret]');
  if (text.includes('@') || text.includes('%40'))
    text = text
      .replace(QUOTED_ADDRESS, '[address]')
      .replace(ADDRESS, (found, domain: string | undefined) => (domain ? '[address]' : found));
  return text;
}
