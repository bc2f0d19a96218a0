import { expect, test } from '@jest/globals';
import type { Timeline } from '../../observe/timeline.ts';
import { walpost } from '../../testing/run-cli.ts';
import { showTimeline } from '../show-timeline.ts';
import { traceKey } from '../trace-key.ts';

test('trace takes any key, and says in one line what is not set', async () => {
  for (const key of ['parcel 7', '0198f1c2-0000-7000-8000-00000000000a'])
    expect(await walpost(['trace', key], { OBSERVER_PASSWORD: '' })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'walpost: OBSERVER_PASSWORD is not set; it is the password of the role observer\n',
    });
});

test.each([
  ['Parcel 7', 'Parcel 7'],
  ['0198F1C2-0000-7000-8000-00000000000A', '0198f1c2-0000-7000-8000-00000000000a'],
])('%s is looked up as %s', async (given, key) => {
  const sources = { services: [], kafka: { error: 'away' }, connect: { url: 'http://127.0.0.1:2' } };
  expect(await traceKey(sources, given)).toMatchObject({ key, events: [] });
});

test('the timeline begins with its key, in what one can safely show', () => {
  const nothing = { events: [], misrouted: [], groups: [], openTransactions: [], problems: [] };
  const timeline: Timeline = {
    ...nothing,
    key: 'parcel\u001b[31m7',
    effects: [{ service: 'tracking', rows: [{ what: 'counted', at: 1_000, state: 'done', note: null }] }],
    slots: null,
    connectors: null,
    kafka: false,
  };
  expect(showTimeline(timeline, { state: 'finished', findings: [] }, 6_000)).toMatch(
    /^key parcel\\u\{1b\}\[31m7, first seen 1970-01-01T00:00:01.000Z, 5 s ago\n/,
  );
});
