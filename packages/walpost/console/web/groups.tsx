import type { GroupProgress } from '../../observe/describe-group.ts';
import { behind, diagnoseGroup } from '../../observe/diagnose-group.ts';
import type { Snapshot } from '../snapshot.ts';
import { age, count } from './format.ts';
import { healthOf } from './health.ts';
import { Badge, Shown, Table } from './parts.tsx';

/** Every group, and on demand each of its partitions. */
export function Groups({ snapshot }: { snapshot: Snapshot }) {
  return (
    <Shown source={snapshot.groups}>
      {(groups) => (
        <Table
          label="Consumer groups"
          headings={['Group', 'State', 'Behind', 'Oldest unread', 'Members', 'Handled']}
        >
          {groups.map((group) => (
            <Group key={group.group} group={group} snapshot={snapshot} />
          ))}
        </Table>
      )}
    </Shown>
  );
}

function Group({ group, snapshot }: { group: GroupProgress; snapshot: Snapshot }) {
  const { at, services } = snapshot;
  const { lag, oldest } = behind(group);
  const health = healthOf(diagnoseGroup(group, at));
  const rate = services.find(({ name }) => name === group.group)?.rates.inbox ?? null;
  return (
    <>
      <tr class="paired">
        <th scope="row">{group.group}</th>
        <td>
          <Badge health={health}>{group.members === 0 ? 'not running' : group.state}</Badge>
        </td>
        <td class="number">{count(lag)}</td>
        <td class="number">{oldest === null ? '–' : `${age(at - oldest)} ago`}</td>
        <td class="number">{group.members ?? '–'}</td>
        <td class="number">{rate === null ? '…' : `${rate.toFixed(1)} /s`}</td>
      </tr>
      <tr class="more">
        <td colSpan={6}>
          <details>
            <summary>partitions of {group.group}</summary>
            <Partitions group={group} at={at} />
          </details>
        </td>
      </tr>
    </>
  );
}

function Partitions({ group, at }: { group: GroupProgress; at: number }) {
  return (
    <table class="inner">
      <thead>
        <tr>
          {['Partition', 'Committed', 'End', 'Behind', 'Oldest', 'Member'].map((heading) => (
            <th key={heading} scope="col">
              {heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {group.partitions.map(({ topic, partition, committed, end, problem, ...rest }) => (
          <tr key={`${topic}/${partition}`}>
            <th scope="row">
              {topic}/{partition}
            </th>
            <td class="number">{committed ?? '–'}</td>
            <td class="number">{end ?? problem ?? 'gone'}</td>
            <td class="number">{rest.lag ?? '–'}</td>
            <td class="number">{rest.oldestUnread === null ? '–' : age(at - rest.oldestUnread)}</td>
            <td class="member">{rest.memberId ?? 'nobody'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
