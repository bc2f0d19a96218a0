import { storable } from '@walpost/kit/consumer/receive';
import { createTransport, type NodemailerError } from 'nodemailer';
import type { EmailRow } from './tables.ts';

/** What became of an e-mail: it was handed over, or refused for good. */
export type Delivery = { readonly status: 'SENT' } | { readonly status: 'REFUSED'; readonly answer: string };

/** An e-mail was not handed over, as far as is known, and is to be tried again. */
export class DeliveryError extends Error {
  override name = 'DeliveryError';
  /** No session with the server came to this e-mail. */
  readonly isServerAway: boolean;

  constructor(message: string, isServerAway: boolean) {
    super(message);
    this.isServerAway = isServerAway;
  }
}

/** Whether the server put this e-mail off, or may have it; not that it is away, or says it to every e-mail. */
export function isDeferred(error: unknown): error is DeliveryError {
  return error instanceof DeliveryError && !error.isServerAway;
}

export interface Mailer {
  /**
   * Hands an e-mail to the SMTP server. A signal that aborts ends it, with its connection.
   *
   * @throws DeliveryError it is to be tried again
   */
  send(
    email: Pick<EmailRow, 'recipient' | 'subject' | 'body' | 'messageId'>,
    signal?: AbortSignal,
  ): Promise<Delivery>;
  close(): void;
}

// How long a mail server may take, as RFC 5321 asks of its clients in 4.5.3.2, ms: who gives up earlier may send a second
// copy of what the server has taken. The greeting, a silence, of which the one after the e-mail's last dot may be the
// longest, and all steps together.
const GREETING_WITHIN = 5 * 60_000;
const ANSWER_WITHIN = 10 * 60_000;
const DELIVERED_WITHIN = 40 * 60_000;

/** An answer may be longer than anybody reads. */
const ANSWER_LENGTH = 500;
/** A server quotes a first part that it finds unusual: `"a..b"@example.com`. */
const ADDRESSES = /(?:"(?:[^"\\]|\\.){1,64}"|[\w.+-]+)@[\w.-]+/g;

/**
 * Makes a mailer; it connects when the first e-mail is sent.
 *
 * @param url of the SMTP server, e.g. `smtp://localhost:1025` or `smtps://user:password@host`
 * @param from the sender's address
 * @param connections the most connections at once
 */
export function createMailer(url: string, from: string, connections: number): Mailer {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: connections,
    connectionTimeout: GREETING_WITHIN,
    greetingTimeout: GREETING_WITHIN,
    socketTimeout: ANSWER_WITHIN,
    // The row is tried again by the worker, which counts; the pool must not do so on its own.
    maxRequeues: 0,
  });
  /** By Message-ID: the e-mails whose last byte was handed to a connection. From then on the server may have a copy. */
  const handedOver = new Set<string>();
  transport.use('stream', ({ message }, done) => {
    message.processFunc((stream) => stream.once('end', () => handedOver.add(message.messageId())));
    done();
  });
  return {
    async send({ recipient, subject, body, messageId }, signal) {
      // Not AbortSignal.timeout, whose timer would stay for as long, one for each e-mail.
      const late = new AbortController();
      const timer = setTimeout(
        () => late.abort(new Error(`not delivered within ${DELIVERED_WITHIN} ms`)),
        DELIVERED_WITHIN,
      );
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: recipient },
          subject,
          text: body,
          messageId,
          signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
        });
        return { status: 'SENT' };
      } catch (thrown) {
        const error = thrown as NodemailerError;
        // The server may repeat the address, which is for nobody who looks at logs and errors.
        const answer = storable(textOf(error).slice(0, ANSWER_LENGTH).replace(ADDRESSES, '[e-mail]'));
        if (isFinal(error)) return { status: 'REFUSED', answer };
        if (handedOver.has(messageId) && !isAnswer(error))
          throw new DeliveryError(`${answer}; the server may have taken it all the same`, false);
        throw new DeliveryError(answer, !isAnswer(error) || isAboutServer(error));
      } finally {
        clearTimeout(timer);
        handedOver.delete(messageId);
      }
    },
    close: () => transport.close(),
  };
}

/** Whether the server answered a step of this e-mail's delivery, which it answers MAIL, RCPT, DATA and the text with. */
function isAnswer({ code, responseCode }: NodemailerError): boolean {
  return responseCode !== undefined && (code === 'EENVELOPE' || code === 'EMESSAGE');
}

/** Closing, and what it wants first, log in or encrypt: RFC 5321, 3.8; RFC 4954, 6; RFC 3207, 4. */
const SERVER_CODES = [421, 530, 534, 535, 538];
const TOO_LARGE = 552;
/**
 * What is said of the sender, or of who may send here, also where servers say it only when they hear the recipient: bad
 * sender's address or its system's, not authorized (RFC 3463, 3.2 and 3.8), SPF and reverse DNS (RFC 7372), null MX
 * (RFC 7505).
 */
const OF_SENDER = /^5\d\d[ -]5\.(?:1\.[78]|7\.(?:[01]|2[3-57]))\b/;

/**
 * Whether the server says it to every e-mail, whichever step it says it at, also of the sender's address: they all wait
 * until somebody has seen to it.
 */
function isAboutServer({ responseCode = 0, permanent, command }: NodemailerError): boolean {
  const isAboutSender = permanent && command === 'MAIL FROM' && responseCode !== TOO_LARGE;
  return isAboutSender || SERVER_CODES.includes(responseCode);
}

/** The same words at the recipient may be meant for this one alone: it is put off, and given up after days. */
function mayBeAboutSender({ command, response = '' }: NodemailerError): boolean {
  return command === 'RCPT TO' && OF_SENDER.test(response);
}

/** Whether the server refused this e-mail for good, by a 5xx (RFC 5321, 4.2.1). */
function isFinal(error: NodemailerError): boolean {
  return error.permanent === true && isAnswer(error) && !isAboutServer(error) && !mayBeAboutSender(error);
}

function textOf(error: NodemailerError): string {
  const { cause } = error;
  return error.code === 'EABORT' && cause instanceof Error ? cause.message : error.message;
}
