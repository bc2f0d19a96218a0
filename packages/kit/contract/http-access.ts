import { Agent, request } from 'node:https';
import { reason } from './errors.ts';
import { type PemFile, readPemFiles, type TlsVariables, tlsProblem } from './tls-problem.ts';

/** An HTTP API, behind basic authentication, a bearer token or nothing. */
export interface HttpAccess {
  /** Without user and password, and without a slash at its end: it is in errors, logs and what `walpost doctor` says. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** In place of user and password. */
  readonly token?: string;
  /** A PEM file with who is trusted, in place of Node's roots; for https. */
  readonly ca?: PemFile;
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

/** The header of HTTP authentication, bearer (RFC 6750) or basic (RFC 7617), or none. */
export function authorization({ credentials, token }: HttpAccess): { authorization?: string } {
  if (token) return { authorization: `Bearer ${token}` };
  if (!credentials) return {};
  const { username, password } = credentials;
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/**
 * Who is trusted for an address with a CA file of its own, as it is now; undefined for any other.
 *
 * @throws an Error that names the file and its variable when it cannot be used
 */
export function agentOf({ ca }: HttpAccess): Agent | undefined {
  return ca && new Agent({ secureContext: readPemFiles({ ca }) });
}

/** Why there was no answer, in one line: of TLS what to look at. */
export function httpProblem({ url, ca }: HttpAccess, error: unknown): string {
  // fetch says only that it failed; its cause says why.
  const cause = (error as { cause?: unknown }).cause ?? error;
  const variables: TlsVariables = {
    protocol: `https in ${url}`,
    ca: ca?.variable ?? 'its CA (a file of your own by the variable _CA_FILE, or NODE_EXTRA_CA_CERTS)',
  };
  return tlsProblem(cause, variables) ?? reason(cause);
}

interface Question {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
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
  const question = {
    method,
    signal: AbortSignal.timeout(timeoutMs),
    headers: { ...headers, ...authorization(access) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const agent = agentOf(access);
  try {
    const { status, text } = agent
      ? await askBy(agent, access.url + path, question)
      : await askByFetch(access.url + path, question);
    return { status, text, json: parseJson(text) };
  } catch (error) {
    throw new Error(httpProblem(access, error), { cause: error });
  }
}

async function askByFetch(url: string, question: Question): Promise<{ status: number; text: string }> {
  const response = await fetch(url, question);
  return { status: response.status, text: await response.text() };
}

/** fetch takes no authorities but Node's own, without a library beside it. */
function askBy(
  agent: Agent,
  url: string,
  { body, ...options }: Question,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...options, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.once('error', reject).end(body);
  });
}

/** What JSON says; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
