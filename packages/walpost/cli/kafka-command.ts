import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { runProgramOf } from '../run-program-of.ts';

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
      const code = await runProgramOf('stack/kafka-tool', [...(tool === undefined ? [] : [tool]), ...args]);
      if (code !== 0) throw new CliError(`the tool ended with exit code ${code}`);
    });
}
