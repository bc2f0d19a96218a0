import kafkajs, { type Kafka, type KafkaConfig, type logCreator } from 'kafkajs';
import type { Logger } from '../telemetry/logger.ts';
import { bearLeaderless } from './bear-leaderless.ts';
import { registerCodecs } from './codecs.ts';
import type { KafkaAccess } from './kafka-access.ts';
import { loginByToken } from './login-by-token.ts';
import { socketOpener } from './open-socket.ts';
import { passOverAborted } from './pass-over-aborted.ts';
import { quietKafkajs } from './quiet-kafkajs.ts';

// Every client of ours is made here.
passOverAborted();
bearLeaderless();
quietKafkajs();

// A CommonJS package: its values come with the default import.
const { logLevel } = kafkajs;

export interface KafkaOptions
  extends Pick<KafkaConfig, 'clientId' | 'connectionTimeout' | 'requestTimeout' | 'retry'> {
  /** Takes the client's warnings and errors; without it, only the caller gets the error. */
  logger?: Logger;
}

/**
 * Makes a Kafka client, the one way in which everything here does: it reads batches of every codec, and reaches brokers
 * by an IPv6 address too. Times are ms.
 */
export function createKafka(
  { ssl, sasl, ...access }: KafkaAccess,
  { logger, ...options }: KafkaOptions,
): Kafka {
  registerCodecs();
  // kafkajs takes what is before the first colon for the host, so those of an address are written in another way.
  const brokers = access.brokers.map((broker) => {
    const [, address, port] = /^\[(.+)\]:(\d+)$/.exec(broker) ?? [];
    return address && port ? `${encodeURIComponent(address)}:${port}` : broker;
  });
  const logging = logger
    ? { logLevel: logLevel.WARN, logCreator: toPino(logger) }
    : { logLevel: logLevel.NOTHING };
  return new kafkajs.Kafka({
    ...options,
    ...logging,
    brokers,
    ssl: ssl !== undefined && ssl !== false,
    // A copy: kafkajs keeps things of its own in it.
    ...(sasl && { sasl: sasl.mechanism === 'oauthbearer' ? loginByToken(sasl) : { ...sasl } }),
    socketFactory: socketOpener(ssl),
  });
}

/** Hands kafkajs's log lines to pino. Its own "retrying" errors are warnings here: they are no failure yet. */
function toPino(logger: Logger): logCreator {
  return () =>
    ({ level, namespace, log }) => {
      const { message, timestamp: _timestamp, logger: _logger, ...details } = log;
      const line = `${namespace}: ${message}`;
      if (level === logLevel.ERROR && !('retryCount' in log)) logger.error(details, line);
      else logger.warn(details, line);
    };
}
