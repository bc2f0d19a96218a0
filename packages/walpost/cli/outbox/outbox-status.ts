import { readSlots, type Slot } from '@walpost/kit/outbox/read-slots';
import { attempt } from '@walpost/kit/telemetry/attempt';
import { CliError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import type { Observed } from '../../observe/observed-service.ts';
import { openObserved } from '../../observe/open-observed.ts';
import { type OutboxState, readOutbox } from '../../observe/read-outbox.ts';
import { formatAge, formatBytes, printJson, printTable } from '../../output.ts';

/** How one outbox and its slot are. */
interface OutboxLine {
  readonly database: string;
  readonly outbox: OutboxState;
  readonly slotName: string;
  /** Null when the server has none of that name. */
  readonly slot: Slot | null;
}

/**
 * Prints what each publishing database keeps, and how far its slot is. A database that is away is named, and the rest is
 * shown.
 * @throws CliError when one is away
 */
export async function outboxStatus(config: Config, { json }: { json?: true }): Promise<void> {
  const { system, servers, observerPassword: password } = config;
  if (password === undefined)
    throw new CliError('OBSERVER_PASSWORD is not set; it is the password of the role observer');
  const { observed, close } = openObserved({ system, servers, password, applicationName: 'walpost-cli' });
  try {
    const sources = await Promise.all(
      observed.flatMap((each) =>
        each.service.publishes
          ? [
              attempt(`database ${each.service.database}`, () =>
                look(each, each.service.publishes?.slot ?? ''),
              ),
            ]
          : [],
      ),
    );
    const lines = sources.flatMap((source) => ('value' in source ? [source.value] : []));
    if (json) printJson(lines);
    else if (lines.length > 0) show(lines);
    const errors = sources.flatMap((source) => ('error' in source ? [source.error] : []));
    if (errors.length > 0) throw new CliError(errors.join('\n  '));
  } finally {
    await close();
  }
}

async function look({ service, db }: Observed, slotName: string): Promise<OutboxLine> {
  const [outbox, slots] = await Promise.all([readOutbox(db, slotName), readSlots(db)]);
  const slot = slots.find(({ name }) => name === slotName) ?? null;
  return { database: service.database, outbox, slotName, slot };
}

function show(lines: readonly OutboxLine[]): void {
  printTable(
    [
      'DATABASE',
      'PARTITIONS',
      'FROM',
      'TO',
      'ROWS',
      'SIZE',
      'SLOT',
      'STATE',
      'CONFIRMED',
      'LAG',
      'RETAINED WAL',
      'OLDEST UNCONFIRMED',
    ],
    lines.map(({ database, outbox, slotName, slot }) => [
      database,
      outbox.partitions,
      outbox.firstDay,
      outbox.lastDay,
      outbox.rows,
      formatBytes(outbox.bytes),
      slotName,
      slot ? stateOf(slot) : 'none',
      slot?.confirmedLsn,
      slot && formatBytes(slot.lagBytes),
      slot && formatBytes(slot.retainedWalBytes),
      outbox.oldestUnconfirmed === null ? null : formatAge((Date.now() - outbox.oldestUnconfirmed) / 1000),
    ]),
  );
  for (const { database, outbox } of lines.filter(({ outbox }) => outbox.strayRows > 0))
    console.log(
      `  ${database}: ${outbox.strayRows} rows are in the default partition, because their daily partition is missing`,
    );
}

function stateOf({ active, walStatus, inactiveSince }: Slot): string {
  if (walStatus === 'lost') return 'lost';
  if (active) return 'read';
  return inactiveSince === null
    ? 'not read'
    : `not read for ${formatAge((Date.now() - inactiveSince) / 1000)}`;
}
