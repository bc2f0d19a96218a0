import { reason } from '../contract/errors.ts';
import { parseJson } from '../contract/http-access.ts';
import { type TlsVariables, tlsProblem } from '../contract/tls-problem.ts';
import type { TokenLogin } from './kafka-access.ts';

/** How long an issuer may take, ms: a login that waits longer fails for kafkajs in a way that says nothing. */
const ANSWER_WITHIN = 5_000;
/**
 * A token is used until so much of its time is left, ms or share. kafkajs logs in again 10 s before a session ends,
 * which is when the token ends: it must get a new one then.
 */
const MARGIN = 15_000;
const MARGIN_SHARE = 0.2;

const VARIABLES: TlsVariables = { protocol: 'https there', ca: 'NODE_EXTRA_CA_CERTS' };

/** No token: the issuer is away or refuses. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  /** kafkajs's word for what is worth another try. */
  readonly retriable: boolean;

  constructor(message: string, retriable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.retriable = retriable;
  }
}

/** Where tokens come from. */
export interface TokenSource {
  /** The kept token, or a new one. @throws {TokenError} in one line */
  get(): Promise<string>;
  /** Has the next one be new: this one was refused. */
  forget(token: string): void;
}

/**
 * Gets tokens by the client credentials grant, and keeps each until shortly before it ends. One that does not say when
 * it ends is not kept.
 *
 * @param now the clock, ms
 */
export function createTokenSource(login: TokenLogin, now: () => number = Date.now): TokenSource {
  let kept: { token: string; until: number } | undefined;
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    const asked = now();
    const { token, seconds } = await askIssuer(login);
    const lifetime = seconds * 1000;
    kept = { token, until: asked + lifetime - Math.max(MARGIN, lifetime * MARGIN_SHARE) };
    return token;
  }

  return {
    get() {
      if (kept && now() < kept.until) return Promise.resolve(kept.token);
      // Every broker is logged in to at once.
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    forget(token) {
      if (kept?.token === token) kept = undefined;
    },
  };
}

async function askIssuer({
  tokenUrl,
  clientId,
  clientSecret,
  scope,
}: TokenLogin): Promise<{ token: string; seconds: number }> {
  const at = `no token from ${tokenUrl} (KAFKA_OAUTH_TOKEN_URL)`;
  let status: number;
  let text: string;
  try {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      signal: AbortSignal.timeout(ANSWER_WITHIN),
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) }),
    });
    status = response.status;
    text = await response.text();
  } catch (error) {
    // fetch says only that it failed; its cause says why.
    const cause = (error as { cause?: unknown }).cause ?? error;
    throw new TokenError(`${at}: ${tlsProblem(cause, VARIABLES) ?? reason(cause)}`, true, { cause: error });
  }
  const answer = Object(parseJson(text)) as Record<string, unknown>;
  const { access_token: token, expires_in: seconds } = answer;
  if (status === 200 && typeof token === 'string') return { token, seconds: Number(seconds ?? 0) };
  const said = [answer['error'], answer['error_description']].filter((part) => typeof part === 'string');
  const hint = status === 400 || status === 401 ? '; are KAFKA_OAUTH_CLIENT_ID and _SECRET right?' : '';
  throw new TokenError(
    `${at}: it answered ${status}${status === 200 ? ' without access_token' : ''}${said.length > 0 ? `, ${said.join(': ')}` : ''}${hint}`,
    status >= 500 || status === 429,
  );
}

/** As RFC 6749 has an id and a secret encoded, before they are joined by a colon. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
