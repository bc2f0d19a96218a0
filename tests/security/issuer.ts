import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small issuer of tokens: the client credentials grant, and its keys as JWKS. */
export interface Issuer {
  tokenUrl: string;
  jwksUrl: string;
  clientId: string;
  clientSecret: string;
  /** How long a token is good for, s; below 0 for one that has ended. What it says of itself is never below 60. */
  lifetime: number;
  /** When set, it answers so in place of a token. */
  refusal: { status: number; error: string } | undefined;
  /** How many tokens it has given. */
  given: number;
  close(): Promise<void>;
}

export const AUDIENCE = 'kafka';

export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    request.resume();
    if (request.url === '/jwks') {
      return answer(200, {
        keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }],
      });
    }
    if (issuer.refusal) return answer(issuer.refusal.status, { error: issuer.refusal.error });
    const wanted = Buffer.from(`${issuer.clientId}:${issuer.clientSecret}`).toString('base64');
    if (request.headers.authorization !== `Basic ${wanted}`) return answer(401, { error: 'invalid_client' });
    const now = Math.floor(Date.now() / 1000);
    const exp = now + issuer.lifetime;
    const claims = {
      iss: issuer.tokenUrl,
      aud: AUDIENCE,
      sub: issuer.clientId,
      scope: 'kafka',
      jti: randomUUID(),
    };
    const head = encoded({ alg: 'RS256', typ: 'JWT', kid });
    const text = `${head}.${encoded({ ...claims, iat: Math.min(now, exp) - 1, exp })}`;
    const signature = sign('sha256', Buffer.from(text), privateKey).toString('base64url');
    issuer.given += 1;
    const expires_in = issuer.lifetime > 0 ? issuer.lifetime : 60;
    return answer(200, { access_token: `${text}.${signature}`, token_type: 'bearer', expires_in });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const issuer: Issuer = {
    tokenUrl: `${url}/token`,
    jwksUrl: `${url}/jwks`,
    clientId: 'walpost',
    clientSecret: 'secret-of-the-client',
    lifetime: 300,
    refusal: undefined,
    given: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}
