import { expect, test } from '@jest/globals';
import { contract } from '../../../../schemas/contract.generated.ts';
import { readConfig } from '../../environment.ts';
import { readableDays, retentionProblem, retentionSettings } from '../retention.ts';

const DAY = 86_400_000;
const topic = (retention?: number, segment?: number, policy?: string) => ({
  name: 'order-events',
  config: {
    ...(retention !== undefined && { 'retention.ms': String(retention) }),
    ...(segment !== undefined && { 'segment.ms': String(segment) }),
    ...(policy !== undefined && { 'cleanup.policy': policy }),
  },
});

test('the defaults hold together, with the topics as they are declared', () => {
  expect(retentionProblem(readConfig(retentionSettings, {}), contract.topics)).toBeUndefined();
  expect(contract.topics.map(readableDays)).toEqual([8, 8, 8]);
});

test.each([
  ['of a topic that says nothing', topic(), 14],
  ['of 7 days in segments of an hour', topic(7 * DAY, 3_600_000), 8],
  ['of 7 days in segments of 7', topic(7 * DAY, 7 * DAY), 14],
  ['of half a day', topic(DAY / 2, DAY / 2), 1],
  ['without an end', topic(-1, DAY), Infinity],
  ['that compacts', topic(DAY, DAY, 'compact'), Infinity],
  ['that compacts and deletes', topic(DAY, DAY, 'compact,delete'), 2],
])('how long records can be read: a retention %s', (_what, spec, days) => {
  expect(readableDays(spec)).toBe(days);
});

test.each([
  [14, 7, topic(7 * DAY, DAY), undefined],
  [9, 7, topic(7 * DAY, DAY), undefined],
  [8, 6, topic(7 * DAY, DAY), 'at least 9: a record of order-events can be read for 8 days'],
  [2, 1, topic(7 * DAY, DAY), 'INBOX_RETENTION_DAYS (2) must be at least 9'],
  [2, 7, topic(7 * DAY, DAY), 'at least 9: a record of order-events can be read for 8 days'],
  [14, 7, topic(7 * DAY, 7 * DAY), 'at least 15: a record of order-events can be read for 14 days'],
  [14, 7, topic(13 * DAY, DAY), 'at least 15'],
  [15, 7, topic(13 * DAY, DAY), undefined],
  [14, 13, topic(DAY, DAY), 'at least 15: an outbox may send again what is 14 days old'],
  [14, 12, topic(DAY, DAY), undefined],
  [14, 14, topic(DAY, DAY), 'at least 16'],
  [7, 13, topic(DAY, DAY), 'at least 15'],
  [400, 1, topic(-1, DAY), 'topic order-events keeps its records for good'],
  [400, 1, topic(DAY, DAY, 'compact'), 'topic order-events keeps its records for good'],
])('inbox %d days, outbox %d: %j', (inbox, outbox, spec, problem) => {
  const found = retentionProblem({ INBOX_RETENTION_DAYS: inbox, OUTBOX_RETENTION_DAYS: outbox }, [spec]);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
  expect(found?.includes('\n') ?? false).toBe(false);
});
