import { expect, test } from 'vitest';

import type { FoundEvent } from '../../api/search';
import { findings, formatRate } from './findings';

function event(state: string, time: number, shared: string, average: number): FoundEvent {
  const record = {
    awsRegion: 'us-east-1',
    recipientAccountId: '123456789012',
    sharedEventID: shared,
    insightDetails: {
      state,
      eventSource: 'iam.amazonaws.com',
      eventName: 'CreateUser',
      insightType: 'ApiCallRateInsight',
      insightContext: {
        statistics: { baseline: { average: 0.5 }, insight: { average }, insightDuration: 5, baselineDuration: 10080 },
        attributions: [{ attribute: 'userIdentityArn', insight: [{ value: 'a', average }], baseline: [] }],
      },
    },
  };
  return {
    EventId: `${shared}-${state}`,
    EventName: 'CreateUser',
    EventSource: 'iam.amazonaws.com',
    EventTime: time,
    Resources: [],
    CloudTrailEvent: JSON.stringify(record),
    AccountId: '123456789012',
    Region: 'us-east-1',
    Origin: 'Recorded',
  };
}

test('start and end are one finding', () => {
  const [newest, oldest] = findings([
    event('Start', 200, 'b', 9),
    event('End', 160, 'a', 6),
    event('Start', 100, 'a', 3),
  ]);
  expect(newest).toMatchObject({ id: 'b', start: 200, end: undefined, insight: 9 });
  expect(oldest).toMatchObject({ id: 'a', start: 100, end: 160, insight: 6, baseline: 0.5, baselineMinutes: 10080 });
  expect(oldest?.attributions[0]).toEqual({
    attribute: 'userIdentityArn',
    insight: [{ value: 'a', average: 6 }],
    baseline: [],
  });
});

test('an end alone tells when it began', () => {
  expect(findings([event('End', 1000, 'a', 6)])[0]?.start).toBe(700);
});

test('what is no record is no finding', () => {
  expect(findings([{ ...event('End', 1, 'a', 1), CloudTrailEvent: '[' }])).toEqual([]);
});

test('rates have as many digits as say something', () => {
  expect([0, 1234.5, 12.345, 0.000977].map(formatRate)).toEqual(['0', '1235', '12.3', '0.000977']);
});
