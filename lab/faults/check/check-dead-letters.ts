import {
  type DeadLetterRow,
  type Evidence,
  flows,
  PLANTED,
  type Planted,
  type Topic,
  topics,
} from '../evidence.ts';
import { services } from '../plan.ts';
import type { Check, Finding } from './finding.ts';

function plantedOf({ headers }: DeadLetterRow): string | undefined {
  return headers.find(([name]) => name === PLANTED)?.[1];
}

/** A dead letter has a cause: the lab planted it, or it waited behind such a one. */
export const caused: Check = {
  name: 'no dead letter without a cause',
  find: ({ deadLetters, planted }) => {
    const readable = planted.filter(({ kind }) => kind !== 'uncommitted');
    const ids = new Set(readable.map(({ id }) => id));
    const keys = new Set(readable.flatMap(({ key, topic }) => (key === null ? [] : [`${topic} ${key}`])));
    return services.flatMap((service) =>
      deadLetters[service].flatMap((deadLetter): Finding[] => {
        const id = plantedOf(deadLetter);
        if (id !== undefined && ids.has(id)) return [];
        // An event that waited behind a planted one: nothing was wrong with it, and it has gone on since.
        if (
          deadLetter.code === null &&
          deadLetter.state === 'replayed' &&
          keys.has(`${deadLetter.topic} ${deadLetter.key}`)
        )
          return [];
        const { state, topic, code, message } = deadLetter;
        return [
          {
            order: deadLetter.key ?? '',
            text: `${service}: dead letter ${deadLetter.id} of ${topic} is ${state}: ${code} ${message}`,
          },
        ];
      }),
    );
  },
};

/** Whatever was planted is noticed by everybody who reads the topic; a repeated record by nobody. */
export const noticed: Check = {
  name: 'every planted record is set aside, and only that',
  find: (evidence) => {
    const onTopics = new Set(
      topics.flatMap((topic) => evidence.records[topic].flatMap(({ headers }) => headers[PLANTED] ?? [])),
    );
    return evidence.planted.flatMap((each) => {
      if (!onTopics.has(each.id)) return [];
      if (each.kind === 'uncommitted')
        return [{ text: `${each.topic} has ${each.id}, which was never committed` }];
      return reactions(evidence, each);
    });
  },
};

function reactions({ deadLetters }: Evidence, { id, kind, topic }: Planted): Finding[] {
  return flows[topic as Topic].to.flatMap((service): Finding[] => {
    const count = deadLetters[service].filter((deadLetter) => plantedOf(deadLetter) === id).length;
    const harmless = kind === 'sent-again';
    if (harmless === (count === 0)) return [];
    const text = harmless ? 'was set aside, though it is only a repetition' : 'was not set aside';
    return [{ text: `${service}: the planted ${kind} on ${topic} (${id}) ${text}` }];
  });
}
