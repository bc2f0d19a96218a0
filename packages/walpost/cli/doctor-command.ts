import { Command } from 'commander';
import type { Check } from '../check.ts';
import { CliError } from '../cli-error.ts';
import type { Config } from '../config.ts';
import { examine } from '../doctor/examine.ts';
import { jsonOption } from '../options.ts';
import { printable, printJson } from '../output.ts';

/** `walpost doctor` */
export function doctorCommand(config: () => Config, env: NodeJS.ProcessEnv): Command {
  return new Command('doctor')
    .description('check everything from the JDK to the slots, and say which command fixes what is wrong')
    .addOption(jsonOption())
    .action(async ({ json }: { json?: true }) => {
      const checks = await examine(config(), env);
      if (json) printJson(checks);
      else console.log(checks.flatMap(linesOf).join('\n'));
      const count = (state: Check['state']) => checks.filter((check) => check.state === state).length;
      const failed = count('fail');
      const summary = `${count('ok')} ok, ${count('warn')} warnings, ${failed} broken`;
      if (failed > 0) throw new CliError(summary);
      if (!json) console.log(`\n${summary}`);
    });
}

function linesOf({ what, state, text, help }: Check): string[] {
  return [
    `${state.padEnd(5)} ${what.padEnd(40)} ${printable(text)}`,
    ...help.map((command) => `${''.padEnd(46)} try: ${command}`),
  ];
}
