import type { TopicView } from '../../observe/read-topics.ts';
import type { Snapshot } from '../snapshot.ts';
import { count } from './format.ts';
import { keptOffsets } from './kept-offsets.ts';
import { Shown, Table } from './parts.tsx';

/** Every topic, and on demand each of its partitions. */
export function Topics({ snapshot }: { snapshot: Snapshot }) {
  return (
    <Shown source={snapshot.topics}>
      {(topics) => (
        <Table label="Topics" headings={['Topic', 'Partitions', 'Offsets kept']}>
          {topics.map((topic) => (
            <Topic key={topic.name} topic={topic} />
          ))}
        </Table>
      )}
    </Shown>
  );
}

function Topic({ topic }: { topic: TopicView }) {
  const { name, partitions } = topic;
  return (
    <>
      <tr class="paired">
        <th scope="row">{name}</th>
        <td class="number">{partitions.length}</td>
        <td class="number">{count(keptOffsets(topic))}</td>
      </tr>
      <tr class="more">
        <td colSpan={3}>
          <details>
            <summary>partitions of {name}</summary>
            <table class="inner">
              <thead>
                <tr>
                  {['Partition', 'First offset', 'Next offset'].map((heading) => (
                    <th key={heading} scope="col">
                      {heading}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {partitions.map(({ partition, low, high }) => (
                  <tr key={partition}>
                    <th scope="row">{partition}</th>
                    <td class="number">{low}</td>
                    <td class="number">{high}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </td>
      </tr>
    </>
  );
}
