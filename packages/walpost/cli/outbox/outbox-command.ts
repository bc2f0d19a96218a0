import { Command } from 'commander';
import type { Config } from '../../config.ts';
import { jsonOption, waitOption, wholeNumber, yesOption } from '../../options.ts';
import { outboxAuditCommand } from './outbox-audit-command.ts';
import { pruneOutboxes } from './outbox-prune.ts';
import { recreateSlot } from './outbox-recreate-slot.ts';
import { outboxReplayCommand } from './outbox-replay-command.ts';
import { outboxStatus } from './outbox-status.ts';

/** `walpost outbox …` */
export function outboxCommand(config: () => Config): Command {
  const group = new Command('outbox').description('the outboxes, and the slots that they are read by');

  group
    .command('status')
    .description('show what each outbox keeps, how far its slot is, and the log that the server keeps for it')
    .addOption(jsonOption())
    .action((options: { json?: true }) => outboxStatus(config(), options));

  group
    .command('prune')
    .description('drop the daily partitions that are older than is kept and that every slot has confirmed')
    .option(
      '--keep-days <n>',
      'days that are kept in any case (default: OUTBOX_RETENTION_DAYS)',
      wholeNumber(1, 3_650),
    )
    .addOption(yesOption())
    .addOption(waitOption(30, 'how long to wait for the database, and for the slots to move on'))
    .action(({ keepDays, yes, wait }: { keepDays?: number; yes?: true; wait: number }) =>
      pruneOutboxes(config(), { keepDays, yes: yes ?? false, wait }),
    );

  group
    .command('recreate-slot')
    .description('drop a slot that is lost, so that its connector makes a new one and reads the outbox again')
    .argument('<connector>', 'as connectors status shows it')
    .addOption(yesOption())
    .action((connector: string, { yes }: { yes?: true }) => recreateSlot(config(), connector, yes ?? false));

  return group.addCommand(outboxAuditCommand(config)).addCommand(outboxReplayCommand(config));
}
