import { ConfigError } from '../errors.ts';
import { parseHostPort } from './host-port.ts';

/** How a Kafka client connects and says who it is; spread into kafkajs's options. */
export interface KafkaAccess {
  brokers: string[];
  ssl?: boolean;
  sasl?: { mechanism: 'scram-sha-512'; username: string; password: string };
}

/**
 * How to connect to Kafka, from the variables of that name.
 *
 * @throws {ConfigError} when KAFKA_BROKERS is no list of host:port; when SASL_SSL is asked for and user or password is not set
 */
export function kafkaAccess(settings: {
  KAFKA_BROKERS: string;
  KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT' | 'SASL_SSL';
  KAFKA_USERNAME?: string;
  KAFKA_PASSWORD?: string;
}): KafkaAccess {
  const brokers = parseBrokers(settings.KAFKA_BROKERS);
  if (settings.KAFKA_SECURITY_PROTOCOL === 'PLAINTEXT') return { brokers };
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = settings;
  if (!username || !password) {
    throw new ConfigError(
      'Configuration: KAFKA_SECURITY_PROTOCOL is SASL_SSL, so KAFKA_USERNAME and KAFKA_PASSWORD must be set. Every variable is described in .env.example.',
    );
  }
  return { brokers, ssl: true, sasl: { mechanism: 'scram-sha-512', username, password } };
}

/** Reads a comma-separated list of `host:port`. @throws {ConfigError} naming the part that is none */
function parseBrokers(list: string): string[] {
  return list.split(',').map((part) => {
    const broker = part.trim();
    const problem = broker === '' ? 'has an empty part: the list is host:port,host:port' : problemOf(broker);
    if (problem === undefined) return broker;
    throw new ConfigError(
      `Configuration: KAFKA_BROKERS: "${broker || list}" ${problem}. Every variable is described in .env.example.`,
    );
  });
}

function problemOf(broker: string): string | undefined {
  const read = parseHostPort(broker);
  return 'problem' in read ? read.problem : undefined;
}
