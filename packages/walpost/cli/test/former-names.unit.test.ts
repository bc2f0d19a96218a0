import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import system from '../../../../walpost.config.ts';
import { commandAndOption, formerNames, withTodaysNames } from '../former-names.ts';
import { outboxCommand } from '../outbox/outbox-command.ts';
import { retryCommand } from '../retry-command.ts';

const config = () => {
  throw new Error('not called for');
};
const program = new Command()
  .addCommand(outboxCommand(config))
  .addCommand(retryCommand(config, {}, { system }));

test.each(formerNames)('$former is $name', (each) => {
  const [former, name] = [each.former.split(' '), each.name.split(' ')];
  expect(withTodaysNames([...former, 'key', '--yes'])).toEqual({
    args: [...name, 'key', '--yes'],
    renamed: [each],
  });
  for (const others of [name, ['trace', ...former], former.slice(0, -1)])
    expect(withTodaysNames(others)).toEqual({ args: others, renamed: [] });
});

test.each(formerNames)('there is $name, and no $former beside it', ({ former, name }) => {
  const [words, option] = commandAndOption(name);
  let found = program;
  const rest = words.filter((word) => {
    const next = found.commands.find((each) => each.name() === word);
    found = next ?? found;
    return next === undefined;
  });
  const names = [...found.commands.map((each) => each.name()), ...found.options.map(({ long }) => long)];
  if (option !== undefined) expect(names).toContain(option);
  // What is no command is a service.
  expect(system.services.map((each) => each.name)).toEqual(expect.arrayContaining(rest));
  expect(names).not.toContain(former.split(' ').at(-1));
});
