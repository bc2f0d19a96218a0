/** An HTTP API, behind basic authentication or not. */
export interface HttpAccess {
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** Where an HTTP API is and, when user and password are set, how to log in there. */
export function httpAccess(url: string, username?: string, password?: string): HttpAccess {
  return { url, ...(username && password && { credentials: { username, password } }) };
}

/** The header of HTTP basic authentication (RFC 7617), or none. */
export function authorization({ credentials }: HttpAccess): { authorization?: string } {
  if (!credentials) return {};
  const { username, password } = credentials;
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
