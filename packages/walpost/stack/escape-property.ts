/**
 * A value as it must be in a Java property file, which is read as ISO 8859-1: a backslash starts an escape, leading
 * white space is dropped, and every other letter is written by its number.
 */
export function escapeProperty(value: string): string {
  return value
    .replace(/\\/g, '\\\\')
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/^ /, '\\ ');
}
