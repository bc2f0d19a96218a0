import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { programOf } from '../program-of.ts';

/** It finds Java and Kafka's jars as the stack does, in a program of the stack's own. */
const program = programOf('stack/kafka-tool');

/** `walpost kafka <tool> …`: Kafka's own tools, so that commands from its documentation can be typed as they are. */
export function kafkaCommand(): Command {
  return new Command('kafka')
    .description(
      "runs one of Kafka's own tools on the broker: topics, consumer-groups, console-consumer, dump-log …",
    )
    .argument('[tool]', "the name of Kafka's script, e.g. topics for kafka-topics.sh")
    .argument('[arguments...]', 'as the tool takes them; --bootstrap-server is filled in')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (tool: string | undefined, args: string[]) => {
      const child = spawn(process.execPath, [program, ...(tool === undefined ? [] : [tool]), ...args], {
        stdio: 'inherit',
      });
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
        process.on(signal, () => child.kill(signal));
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new CliError(`the tool ended with exit code ${code}`);
    });
}
