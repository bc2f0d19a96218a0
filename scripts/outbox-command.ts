import { Command } from 'commander';
import type { Config } from './config.js';
import { outboxAuditCommand } from './outbox-audit-command.js';
import { outboxReplayCommand } from './outbox-replay-command.js';

/** `walpost outbox …` */
export function outboxCommand(config: () => Config): Command {
  return new Command('outbox')
    .description('the events that services have written')
    .addCommand(outboxAuditCommand(config))
    .addCommand(outboxReplayCommand(config));
}
