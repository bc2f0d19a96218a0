/**
 * Something the user can put right. Its message is what is shown, without a stack trace: what is wrong and what to do.
 */
export class StackError extends Error {
  override readonly name = 'StackError';
}

// Told by their shape: inside Jest, Node's own errors are not instances of the test's Error.

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return String(fieldOf(thrown, 'message') ?? thrown);
}

/** The `code` of a Node system error, such as ENOENT. */
export function codeOf(thrown: unknown): string | undefined {
  const code = fieldOf(thrown, 'code');
  return typeof code === 'string' ? code : undefined;
}

function fieldOf(thrown: unknown, name: 'message' | 'code'): unknown {
  return typeof thrown === 'object' && thrown !== null
    ? (thrown as Record<string, unknown>)[name]
    : undefined;
}
