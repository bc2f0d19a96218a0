const WIDTH = 16;

/** Bytes as `hexdump -C` shows them, 16 a line, the first `limit` of them. */
export function hexDump(bytes: Buffer, limit: number): string[] {
  const shown = bytes.subarray(0, limit);
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += WIDTH) lines.push(line(shown.subarray(at, at + WIDTH), at));
  if (bytes.length > limit) lines.push(`… ${bytes.length - limit} more bytes; --json has them all`);
  return lines;
}

function line(bytes: Buffer, at: number): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text = [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
  return `${at.toString(16).padStart(8, '0')}  ${hex.padEnd(3 * WIDTH - 1)}  ${text.join('')}`;
}
