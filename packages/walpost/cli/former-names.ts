/** A command or an option that was renamed; its former name holds for one more release. */
export interface FormerName {
  /** What one typed after `walpost`, an option with the command that it belongs to. */
  readonly former: string;
  readonly name: string;
}

export const formerNames: readonly FormerName[] = [
  { former: 'outbox renew-slot', name: 'outbox recreate-slot' },
  { former: 'outbox replay --overtaken', name: 'outbox replay --include-superseded' },
  { former: 'dead-letters retry-emails', name: 'retry notification' },
];

/**
 * Puts the names of today in place of former ones.
 *
 * @param args what follows `walpost`
 * @returns the arguments, and which former names were among them
 */
export function withTodaysNames(args: readonly string[]): { args: string[]; renamed: FormerName[] } {
  const today = [...args];
  const renamed = formerNames.filter(({ former, name }) => {
    const [command, option] = commandAndOption(former);
    if (!command.every((word, at) => today[at] === word)) return false;
    const at = option === undefined ? 0 : today.indexOf(option);
    if (at < 0) return false;
    const [newCommand, newOption] = commandAndOption(name);
    if (newOption === undefined) today.splice(at, command.length, ...newCommand);
    else today[at] = newOption;
    return true;
  });
  return { args: today, renamed };
}

/** The words before an option, and the option. */
export function commandAndOption(name: string): [string[], string | undefined] {
  const words = name.split(' ');
  const option = words.findIndex((word) => word.startsWith('--'));
  return option < 0 ? [words, undefined] : [words.slice(0, option), words[option]];
}
