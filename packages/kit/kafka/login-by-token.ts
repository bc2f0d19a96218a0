import kafkajs, { type AuthenticationProviderArgs, type Mechanism } from 'kafkajs';
import type { TokenLogin } from './kafka-access.ts';
import { createTokenSource, type TokenError, type TokenSource } from './token-source.ts';

/** U+0001 parts the fields of a message, and alone says that a refusal was read (RFC 7628, 3.1 and 3.2.3). */
const SEPARATOR = '\u0001';

/**
 * SASL OAUTHBEARER for kafkajs, whose own takes a refusal for a success: the broker says no in a message, and closes the
 * connection at the next request, which then fails without a reason.
 */
export function loginByToken(login: TokenLogin, source: TokenSource = createTokenSource(login)): Mechanism {
  return {
    mechanism: login.mechanism,
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const token = await source.get().catch(async (error: TokenError) => {
          await giveUp(saslAuthenticate);
          throw lost(error.message, error.retriable);
        });
        const refusal = await say(
          saslAuthenticate,
          `n,,${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${SEPARATOR}`,
        );
        if (refusal === '') return;
        source.forget(token);
        await giveUp(saslAuthenticate);
        throw lost(`SASL OAUTHBEARER: the broker refuses the token of ${login.tokenUrl}: ${refusal}`, true);
      },
    }),
  };
}

/** Ends the conversation in the middle: the broker closes the connection, and the next attempt gets one of its own. */
async function giveUp(saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate']): Promise<void> {
  // It answers that the login has failed, which its caller says better.
  await say(saslAuthenticate, SEPARATOR).catch(() => undefined);
}

/** The error by which kafkajs leaves a connection for another; every other it takes for one of the same connection. */
function lost(message: string, retriable: boolean): Error {
  return Object.assign(new kafkajs.KafkaJSConnectionError(message), { retriable });
}

/** Sends one message of the mechanism. @returns the broker's answer; empty when the login is done */
async function say(
  saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'],
  message: string,
): Promise<string> {
  const answer = await saslAuthenticate<string>({
    request: { encode: () => framed(message) },
    response: RESPONSE,
  });
  return answer ?? '';
}

/** kafkajs has the bytes behind their length, as they were on the wire before Kafka 1.0. */
const RESPONSE = {
  decode: (raw: Buffer) => raw.subarray(4),
  parse: (bytes: Buffer) => bytes.toString(),
};

function framed(message: string): Buffer {
  const bytes = Buffer.from(message);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
