import { reason } from './errors.ts';

/** An HTTP API, behind basic authentication or not. */
export interface HttpAccess {
  /** Without user and password, and without a slash at its end: it is in errors, logs and what `walpost doctor` says. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
}

/**
 * Where an HTTP API is and, when user and password are set, how to log in there. They may be in the address too, where
 * `fetch` would refuse them; those that are set apart win.
 *
 * @throws an Error for what is no address, which does not show what is secret in it
 */
export function httpAccess(url: string, username?: string, password?: string): HttpAccess {
  if (!URL.canParse(url)) throw new Error(`"${shownUrl(url)}" is not an http address`);
  const inside = new URL(url);
  const credentials = {
    username: username || decoded(inside.username),
    password: password || decoded(inside.password),
  };
  return {
    url: shownUrl(url).replace(/\/+$/, ''),
    ...(credentials.username && credentials.password && { credentials }),
  };
}

/** An address, or what somebody wrote in the place of one, without user and password. */
export function shownUrl(text: string): string {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (!url.host && text.includes('@')) return hidden(text);
    if (!url.username && !url.password) return text;
    url.username = '';
    url.password = '';
    return text.endsWith('/') ? url.href : url.href.replace(/\/$/, '');
  }
  return hidden(text);
}

function hidden(text: string): string {
  return text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The header of HTTP basic authentication (RFC 7617), or none. */
export function authorization({ credentials }: HttpAccess): { authorization?: string } {
  if (!credentials) return {};
  const { username, password } = credentials;
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/**
 * Asks an HTTP API that speaks JSON.
 *
 * @param path behind the address
 * @param timeoutMs for all of it, the answer's body included
 * @returns the body too, as text and parsed, undefined when it is no JSON
 * @throws an Error that says in one line why there is no answer
 */
export async function askHttp(
  access: HttpAccess,
  path: string,
  timeoutMs: number,
  { body, headers, method = 'GET' }: { body?: unknown; headers: Record<string, string>; method?: string },
): Promise<{ status: number; text: string; json: unknown }> {
  try {
    const response = await fetch(access.url + path, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { ...headers, ...authorization(access) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, json: parseJson(text) };
  } catch (error) {
    // fetch says only that it failed; its cause says why.
    throw new Error(reason((error as { cause?: unknown }).cause ?? error), { cause: error });
  }
}

/** What JSON says; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
