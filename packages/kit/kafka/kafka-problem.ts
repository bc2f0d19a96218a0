import { causes } from '../errors.ts';
import { messageOf } from '../telemetry/describe-error.ts';

/**
 * Why Kafka cannot be worked with, in one line, with the variables to look at where it is not a matter of waiting.
 * kafkajs says what a broker said, and not what that means.
 */
export function kafkaProblem(error: unknown): string {
  const said = messageOf(error);
  for (const { name, type } of causes(error)) {
    if (name === 'KafkaJSSASLAuthenticationError')
      return `${said}; are KAFKA_USERNAME, KAFKA_PASSWORD and KAFKA_SASL_MECHANISM right?`;
    if (type === 'UNSUPPORTED_SASL_MECHANISM') return `${said}; is KAFKA_SASL_MECHANISM right?`;
    if (type === 'ILLEGAL_SASL_STATE')
      return 'it takes no login at this port (ILLEGAL_SASL_STATE); is KAFKA_SECURITY_PROTOCOL right?';
    if (name === 'KafkaJSConnectionClosedError')
      return `it closed the connection; if it does so again and again, is KAFKA_SECURITY_PROTOCOL right?`;
  }
  return said;
}
