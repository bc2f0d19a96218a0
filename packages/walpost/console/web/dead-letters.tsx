import type { DeadLetterView } from '../../observe/read-dead-letters.ts';
import type { ServiceView, Snapshot } from '../snapshot.ts';
import { call } from './api.ts';
import { age } from './format.ts';
import type { Act } from './page.tsx';
import { Badge, Shown, Table } from './parts.tsx';

/** What could not be handled, by service, with what one can do about it. */
export function DeadLetters({ snapshot, act }: { snapshot: Snapshot; act: Act }) {
  const open = snapshot.services.flatMap((service) =>
    'value' in service.deadLetters
      ? service.deadLetters.value.deadLetters.map((deadLetter) => ({ service, deadLetter }))
      : [],
  );
  const failed = snapshot.services.filter(({ deadLetters }) => 'error' in deadLetters);
  return (
    <>
      {failed.map(({ name, deadLetters }) => (
        <Shown key={name} source={deadLetters}>
          {() => null}
        </Shown>
      ))}
      {open.length === 0 && failed.length === 0 && (
        <p class="empty">No dead letters: everything could be handled.</p>
      )}
      {open.length > 0 && (
        <Table
          label="Dead letters"
          headings={['Service', 'State', 'Error', 'Key', 'Record', 'Since', 'What to do']}
        >
          {open.map(({ service, deadLetter }) => (
            <DeadLetter
              key={`${service.name} ${deadLetter.id}`}
              {...{ service, deadLetter, act }}
              at={snapshot.at}
            />
          ))}
        </Table>
      )}
    </>
  );
}

function DeadLetter({
  service,
  deadLetter,
  act,
  at,
}: {
  service: ServiceView;
  deadLetter: DeadLetterView;
  act: Act;
  at: number;
}) {
  const { id, state, errorCode, errorMessage, key, topic, partition, offset, createdAt, replayRequestedAt } =
    deadLetter;
  const path = `/api/dead-letters/${service.shortName}/${id}`;
  const name = `dead letter ${id} of ${service.name}`;
  const replay = () =>
    act((token) => ({
      title: `Replay ${name}?`,
      text: 'The service handles the event again, and then those of the same key behind it. Fix the cause first.',
      action: 'Replay',
      run: async () => {
        const { replays } = await call<{ replays: { id: number; outcome: string; error: string | null }[] }>(
          `${path}/replay`,
          { method: 'POST', token },
        );
        const problem = replays.find(({ outcome }) => outcome !== 'replayed' && outcome !== 'discarded');
        if (problem) throw new Error(`Dead letter ${problem.id}: ${problem.error ?? problem.outcome}`);
      },
    }));
  const discard = () =>
    act((token) => ({
      title: `Discard ${name}?`,
      text: 'The event never has its effect. The dead letter is kept as a record, and what waits behind it goes on.',
      action: 'Discard',
      field: { label: 'Why? It is kept with the dead letter.', type: 'text' },
      run: async (reason) => {
        await call(`${path}/discard`, { method: 'POST', token, body: { reason } });
      },
    }));
  return (
    <tr>
      <th scope="row">{service.name}</th>
      <td>
        <Badge health={state === 'dead' ? 'bad' : 'warn'}>{state}</Badge>
        {replayRequestedAt !== null && <p class="muted">replay requested</p>}
      </td>
      <td class="text">
        {errorCode === null ? (
          'waits behind the one above of its key'
        ) : (
          <>
            <code>{errorCode}</code> {errorMessage}
          </>
        )}
      </td>
      <td>{key === null ? '–' : <a href={`#key=${encodeURIComponent(key)}`}>{shortened(key)}</a>}</td>
      <td class="mono">
        {topic}/{partition}@{offset}
      </td>
      <td class="number">{age(at - createdAt)}</td>
      <td>
        <div class="buttons">
          <button type="button" onClick={replay} aria-label={`Replay ${name}`}>
            Replay
          </button>
          <button type="button" onClick={discard} aria-label={`Discard ${name}`}>
            Discard
          </button>
        </div>
      </td>
    </tr>
  );
}

/** A UUID's end is what differs. */
function shortened(key: string): string {
  return key.length > 20 ? `…${key.slice(-8)}` : key;
}
