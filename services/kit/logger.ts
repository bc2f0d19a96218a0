import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * Makes a service's logger: JSON lines on stdout, or readable ones when stdout is a terminal.
 *
 * @param service the service's name, on every line
 * @param level pino's level
 */
export function createLogger(service: string, level: string): Logger {
  return pino({
    name: service,
    level,
    redact: ['password', '*.password', 'req.headers.authorization', 'req.headers.cookie'],
    ...(process.stdout.isTTY && {
      transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } },
    }),
  });
}
