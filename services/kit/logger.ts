import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** Field names that hold secrets, in any spelling. */
const SECRET_FIELD =
  /"(\w*(?:password|passphrase|secret|token|authorization|cookie)\w*)":"(?:[^"\\]|\\.)*"/gi;
/** User and password in an address. */
const CREDENTIALS = /:\/\/[^\s/@"\\]{1,256}@/g;
const BEARER = /\b(bearer|basic) [\w.~+/=-]{8,}/gi;
const EMAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/g;

/**
 * Takes secrets and e-mail addresses out of a log line. It looks at the finished text, because most of them come in
 * error messages of mail servers and drivers, where no field has their name.
 */
export function redact(line: string): string {
  return line
    .replace(SECRET_FIELD, '"$1":"[secret]"')
    .replace(CREDENTIALS, '://[secret]@')
    .replace(BEARER, '$1 [secret]')
    .replace(EMAIL, '[e-mail]');
}

/**
 * Makes a service's logger: JSON lines on stdout, or readable ones when stdout is a terminal. Lines about an event have
 * `order_id`, `event_id` and `trace_id`. E-mail addresses and secrets are taken out of every line.
 *
 * @param service the service's name, on every line
 * @param level pino's level
 * @param destination instead of stdout
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = { name: service, level, hooks: { streamWrite: redact } };
  if (destination) return pino(options, destination);
  return pino({
    ...options,
    ...(process.stdout.isTTY && {
      transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } },
    }),
  });
}
