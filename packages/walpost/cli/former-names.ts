/** A command or an option that was renamed; its former name holds for one more release. */
export interface FormerName {
  /** The command that it belongs to. */
  readonly command: string;
  readonly former: string;
  readonly name: string;
}

export const formerNames: readonly FormerName[] = [
  { command: 'outbox', former: 'renew-slot', name: 'recreate-slot' },
  { command: 'outbox replay', former: '--overtaken', name: '--include-superseded' },
];

/**
 * Puts the names of today in place of former ones.
 *
 * @param args what follows `walpost`
 * @returns the arguments, and which former names were among them
 */
export function withTodaysNames(args: readonly string[]): { args: string[]; renamed: FormerName[] } {
  const today = [...args];
  const renamed = formerNames.filter(({ command, former, name }) => {
    const words = command.split(' ');
    if (!words.every((word, at) => today[at] === word)) return false;
    const at = former.startsWith('--') ? today.indexOf(former) : words.length;
    if (today[at] !== former) return false;
    today[at] = name;
    return true;
  });
  return { args: today, renamed };
}
