import { type Check, fail, ok, warn } from '../check.ts';
import type { Config } from '../config.ts';
import { isAsDeclared } from '../connect/apply-connectors.ts';
import { ConnectError, createConnectClient } from '../connect/connect-client.ts';
import { connectorConfig } from '../connect/connector-config.ts';
import { debeziumProblem } from '../connect/debezium-version.ts';
import { START } from '../observe/diagnose-group.ts';

/** ms. A Connect whose Kafka is away accepts a request and never answers. */
const ANSWER_WITHIN = 4_000;

/** Kafka Connect, and whether the connectors that it has are as they are to be. How they run is diagnosed elsewhere. */
export async function checkConnect({ system, connect: access }: Config): Promise<Check[]> {
  const what = 'Kafka Connect';
  const client = createConnectClient(access, 0, ANSWER_WITHIN);
  const files = system.services.flatMap((service) => {
    const config = connectorConfig(service);
    return config && service.publishes ? [{ name: service.publishes.connector, config }] : [];
  });
  try {
    const names = await client.names();
    const unsafe = debeziumProblem(await client.plugins());
    if (unsafe !== undefined) return [fail(what, unsafe)];
    const configs = await Promise.all(files.map(({ name }) => client.config(name)));
    const changed = files.filter(({ config }, at) => {
      const current = configs[at];
      return current !== undefined && !isAsDeclared(current, config);
    });
    if (changed.length === 0) return [ok(what, `${access.url}, ${names.length} connectors`)];
    const named = changed.map(({ name }) => name);
    const text = `it has another configuration than walpost.config.ts of ${named.join(', ')}`;
    return [warn(what, text, `npx walpost connectors apply ${named.join(' ')}`)];
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return [
      fail(what, `${error.message}; connectors and tasks are not known`, ...(error.retryable ? [START] : [])),
    ];
  }
}
