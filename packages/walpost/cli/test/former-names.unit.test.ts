import { expect, test } from '@jest/globals';
import { formerNames, withTodaysNames } from '../former-names.ts';
import { outboxCommand } from '../outbox/outbox-command.ts';

const config = () => {
  throw new Error('not called for');
};
const groups = { outbox: outboxCommand(config) };

test.each(formerNames)('$command $former is $command $name', (each) => {
  const { command, former, name } = each;
  const words = command.split(' ');
  expect(withTodaysNames([...words, former, '--yes'])).toEqual({
    args: [...words, name, '--yes'],
    renamed: [each],
  });
  expect(withTodaysNames([...words, name])).toEqual({ args: [...words, name], renamed: [] });
  expect(withTodaysNames(['trace', former])).toEqual({ args: ['trace', former], renamed: [] });
  expect(withTodaysNames(words)).toEqual({ args: words, renamed: [] });
});

test.each(formerNames)('there is $command $name, and no $former beside it', ({ command, former, name }) => {
  const [first = '', ...rest] = command.split(' ');
  let found = groups[first as keyof typeof groups];
  for (const word of rest) found = found.commands.find((each) => each.name() === word) ?? found;
  const names = [...found.commands.map((each) => each.name()), ...found.options.map(({ long }) => long)];
  expect(names).toContain(name);
  expect(names).not.toContain(former);
});
