import { type Check, fail, ok, warn } from '../check.ts';
import type { Config } from '../config.ts';
import { isAsDeclared } from '../connect/apply-connectors.ts';
import { ConnectError, createConnectClient } from '../connect/connect-client.ts';
import { connectorFile, connectorsOf } from '../connect/connector-config.ts';
import type { ConnectorFile } from '../connect/connector-files.ts';
import { debeziumProblem } from '../connect/debezium-version.ts';
import { isStale } from '../generated-file.ts';
import { START } from '../observe/diagnose-group.ts';

const what = 'Kafka Connect';
/** ms. A Connect whose Kafka is away accepts a request and never answers. */
const ANSWER_WITHIN = 4_000;

/** Kafka Connect, and whether the connectors that it has are as they are to be. How they run is diagnosed elsewhere. */
export async function checkConnect({ folder, system, connect: access }: Config): Promise<Check[]> {
  const client = createConnectClient(access, 0, ANSWER_WITHIN);
  const files = connectorsOf(system);
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
    return [changedConnectors(folder, changed)];
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return [
      fail(what, `${error.message}; connectors and tasks are not known`, ...(error.retryable ? [START] : [])),
    ];
  }
}

/** Says which connectors Connect has otherwise. What is applied are the files, which an older release may have written. */
export function changedConnectors(folder: string, changed: readonly ConnectorFile[]): Check {
  const names = changed.map(({ name }) => name);
  const isOld = changed.some((file) => isStale(folder, ...connectorFile(file)));
  const commands = [...(isOld ? ['generate'] : []), `connectors apply ${names.join(' ')}`];
  const text = `it has another configuration than walpost.config.ts of ${names.join(', ')}`;
  return warn(what, text, ...commands.map((command) => `npx walpost ${command}`));
}
