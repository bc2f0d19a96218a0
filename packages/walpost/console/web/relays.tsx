import type { OutboxState } from '../../observe/read-outbox.ts';
import type { ServiceView, Snapshot } from '../snapshot.ts';
import { age, bytes, count } from './format.ts';
import { Badge, Shown, Table } from './parts.tsx';

/** Outboxes, connectors with their tasks, and the slots that they read. */
export function Relays({ snapshot }: { snapshot: Snapshot }) {
  return (
    <div class="columns">
      <div>
        <h3>Outboxes</h3>
        <Table
          label="Outboxes"
          headings={['Outbox of', 'Rows', 'Size', 'Daily partitions', 'Oldest unconfirmed']}
        >
          {snapshot.services.map((service) => (
            <OutboxRow key={service.name} service={service} at={snapshot.at} />
          ))}
        </Table>
      </div>
      <div>
        <h3>Connectors</h3>
        <Shown source={snapshot.connectors}>
          {(connectors) => (
            <Table label="Connectors" headings={['Connector', 'State', 'Tasks']}>
              {connectors.map(({ name, state, tasks, error }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>
                    <Badge health={state === 'RUNNING' ? 'ok' : 'bad'}>{state}</Badge>
                    {error && <p class="error">{error}</p>}
                  </td>
                  <td>
                    {tasks.length === 0 && <Badge health="bad">none</Badge>}
                    {tasks.map((task) => (
                      <div key={task.id}>
                        <Badge health={task.state === 'RUNNING' ? 'ok' : 'bad'}>
                          task {task.id} {task.state}
                        </Badge>
                        {task.error && <p class="error">{task.error}</p>}
                      </div>
                    ))}
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Shown>
      </div>
      <div>
        <h3>Replication slots</h3>
        <Shown source={snapshot.slots}>
          {(slots) => (
            <Table
              label="Replication slots"
              headings={['Slot', 'State', 'Confirmed up to', 'Lag', 'Retained WAL']}
            >
              {slots.map((slot) => (
                <tr key={slot.name}>
                  <th scope="row">{slot.name}</th>
                  <td>
                    <Badge health={slot.walStatus === 'lost' ? 'bad' : slot.active ? 'ok' : 'warn'}>
                      {slot.walStatus === 'lost' ? 'lost' : slot.active ? 'read' : 'nobody reads'}
                    </Badge>
                  </td>
                  <td class="mono">{slot.confirmedLsn ?? '–'}</td>
                  <td class="number">{bytes(slot.lagBytes)}</td>
                  <td class="number">{bytes(slot.retainedWalBytes)}</td>
                </tr>
              ))}
            </Table>
          )}
        </Shown>
      </div>
    </div>
  );
}

function OutboxRow({ service: { name, outbox }, at }: { service: ServiceView; at: number }) {
  if (!outbox) return null;
  return (
    <tr>
      <th scope="row">{name}</th>
      {'error' in outbox ? (
        <td colSpan={4}>not known: {outbox.error}</td>
      ) : (
        <OutboxCells state={outbox.value} at={at} />
      )}
    </tr>
  );
}

function OutboxCells({ state, at }: { state: OutboxState; at: number }) {
  const { rows, bytes: size, firstDay, lastDay, oldestUnconfirmed } = state;
  return (
    <>
      <td class="number">{count(rows)}</td>
      <td class="number">{bytes(size)}</td>
      <td>{firstDay === null ? 'none' : `${firstDay} to ${lastDay}`}</td>
      <td class="number">{oldestUnconfirmed === null ? '–' : `${age(at - oldestUnconfirmed)} ago`}</td>
    </>
  );
}
