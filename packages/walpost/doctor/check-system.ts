import type { Slot } from '@walpost/kit/outbox/read-slots';
import { type Check, ok } from '../check.ts';
import type { GroupProgress } from '../observe/describe-group.ts';
import { behind, diagnoseGroup } from '../observe/diagnose-group.ts';
import { diagnoseRelay } from '../observe/diagnose-relay.ts';
import {
  diagnoseDeadLetters,
  diagnoseOutbox,
  diagnosePending,
  diagnoseRefused,
} from '../observe/diagnose-system.ts';
import type { ConnectorView } from '../observe/read-connectors.ts';
import type { Issue, ServiceState, SystemView } from '../observe/system-view.ts';
import { formatAge, formatBytes } from '../output.ts';

/** Connectors, slots, groups, dead letters and what is pending, diagnosed as the console diagnoses them. */
export function checkSystem(system: SystemView): Check[] {
  const { at, services, slots, connectors, groups, heads } = system;
  const relays = 'value' in connectors ? connectors.value : [];
  const known = 'value' in slots ? slots.value : null;
  return [
    ...services.flatMap((service) => {
      const { publishes } = service;
      if (!publishes) return [];
      const issue = 'value' in connectors ? diagnoseRelay(publishes, relays, known) : undefined;
      const connector = relays.find(({ name }) => name === publishes.connector);
      const slot = known?.find(({ name }) => name === publishes.slot);
      return [
        ...line(`outbox of ${service.name}`, diagnoseOutbox(service, at), at, outboxText(service)),
        ...line(`connector ${publishes.connector}`, issue, at, connector && connectorText(connector)),
        ...line(`slot ${publishes.slot}`, issue, at, slot && slotText(slot)),
      ];
    }),
    ...('value' in groups
      ? groups.value.flatMap((group) =>
          line(group.group, diagnoseGroup(group, at), at, groupText(group), `group ${group.group}`),
        )
      : []),
    ...services.flatMap((service) =>
      line(
        service.name,
        diagnoseDeadLetters(service),
        at,
        deadLettersText(service),
        `dead letters of ${service.shortName}`,
      ),
    ),
    ...services.flatMap((service) =>
      line(service.name, diagnoseRefused(service), at, undefined, `work of ${service.shortName}`),
    ),
    ...(heads && 'value' in heads
      ? line(heads.value.effect, diagnosePending(system), at, 'none is pending for long')
      : []),
  ];
}

/** The issue when it is about this part, else that it is fine; nothing where nobody could ask. */
function line(
  where: string,
  issue: Issue | undefined,
  now: number,
  text: string | undefined,
  what = where,
): Check[] {
  if (issue?.where === where) {
    const { since, blocked, help } = issue;
    const age = since === null ? '' : `, since ${formatAge((now - since) / 1000)}`;
    return [{ what, state: blocked ? 'fail' : 'warn', text: `${issue.what}${age}`, help }];
  }
  return text === undefined ? [] : [ok(what, text)];
}

function outboxText({ outbox }: ServiceState): string | undefined {
  if (!outbox || !('value' in outbox)) return undefined;
  const { partitions, lastDay, rows, bytes } = outbox.value;
  return `${rows} rows, ${formatBytes(bytes)}, ${partitions} days up to ${lastDay}`;
}

function connectorText({ state, tasks }: ConnectorView): string {
  return `${state}, ${tasks.map((task) => `task ${task.id} ${task.state}`).join(', ') || 'no task'}`;
}

function slotText({ active, walStatus, confirmedLsn, lagBytes, retainedWalBytes }: Slot): string {
  const read = active ? 'read' : 'not read';
  return `${read}, ${walStatus}, confirmed ${confirmedLsn}, lag ${formatBytes(lagBytes)}, retained WAL ${formatBytes(retainedWalBytes)}`;
}

function groupText(group: GroupProgress): string {
  const { state, members } = group;
  return `${state}, ${members === 1 ? '1 member' : `${members} members`}, ${behind(group).lag} behind`;
}

function deadLettersText({ deadLetters }: ServiceState): string | undefined {
  return 'value' in deadLetters ? 'none' : undefined;
}
