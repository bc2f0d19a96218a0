import { createTransport } from 'nodemailer';
import type { EmailRow } from './tables.js';

export interface Mailer {
  /** Hands an e-mail to the SMTP server. @throws what the server or the connection answers: to be tried again */
  send(email: Pick<EmailRow, 'recipient' | 'subject' | 'body' | 'messageId'>): Promise<void>;
  close(): void;
}

/** No step of a delivery may take longer, ms. */
const CONNECT_WITHIN = 3_000;
const ANSWER_WITHIN = 5_000;

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
    connectionTimeout: CONNECT_WITHIN,
    dnsTimeout: CONNECT_WITHIN,
    greetingTimeout: CONNECT_WITHIN,
    socketTimeout: ANSWER_WITHIN,
    // The row is tried again by the worker, which counts; the pool must not do so on its own.
    maxRequeues: 0,
  });
  return {
    async send({ recipient, subject, body, messageId }) {
      await transport.sendMail({
        from,
        to: { name: '', address: recipient },
        subject,
        text: body,
        messageId,
      });
    },
    close: () => transport.close(),
  };
}
