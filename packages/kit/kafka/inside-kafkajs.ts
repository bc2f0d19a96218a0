import { createRequire } from 'node:module';

/** The version whose inside is known. Another one is left as it is. */
const VERSION = '2.2.4';

/** How kafkajs parses the answers to one kind of request. */
interface ResponseCodec<Answer> {
  parse(answer: Answer): Promise<Answer>;
}

/** A module of kafkajs's inside, to be fixed; undefined when its version is not the one that is known. */
export function insideKafkajs<T>(path: string): T | undefined {
  const require = createRequire(import.meta.url);
  const { version } = require('kafkajs/package.json') as { version: string };
  return version === VERSION ? (require(`kafkajs/src/${path}`) as T) : undefined;
}

/** Has `change` done to every answer of a kind before kafkajs parses it. */
export function beforeParsing<Answer>(response: string, change: (answer: Answer) => void): void {
  const codec = insideKafkajs<ResponseCodec<Answer>>(`protocol/requests/${response}/response.js`);
  if (!codec) return;
  const { parse } = codec;
  codec.parse = async (answer) => {
    change(answer);
    return parse(answer);
  };
}
