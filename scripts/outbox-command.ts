import { Command } from 'commander';
import type { Config } from './config.js';
import { jsonOption, yesOption } from './options.js';
import { renewSlot } from './outbox-renew-slot.js';
import { outboxStatus } from './outbox-status.js';

/** `walpost outbox …` */
export function outboxCommand(config: () => Config): Command {
  const group = new Command('outbox').description('the outboxes, and the slots that they are read by');

  group
    .command('status')
    .description('show what each outbox keeps, how far its slot is, and the log that the server keeps for it')
    .addOption(jsonOption())
    .action((options: { json?: true }) => outboxStatus(config(), options));

  group
    .command('renew-slot')
    .description('drop a slot that is lost, so that its connector makes a new one and reads the outbox again')
    .argument('<connector>', 'e.g. order-outbox')
    .addOption(yesOption())
    .action((connector: string, { yes }: { yes?: true }) => renewSlot(config(), connector, yes ?? false));

  return group;
}
