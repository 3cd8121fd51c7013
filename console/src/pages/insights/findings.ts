/** Insights events come in pairs, start and end; a finding is such a pair. */
import type { FoundEvent } from '../../api/search';
import { type Json, at, parseRecord, textAt } from '../../lib/record';

export interface Share {
  value: string;
  average: number;
}

export interface Attribution {
  attribute: string;
  insight: Share[];
  baseline: Share[];
}

export interface Finding {
  id: string;
  type: string;
  source: string;
  name: string;
  errorCode: string | undefined;
  region: string;
  account: string;
  start: number;
  /** Undefined while it lasts. */
  end: number | undefined;
  /** Calls or errors a minute. */
  insight: number;
  baseline: number;
  /** Minutes. */
  baselineMinutes: number | undefined;
  attributions: Attribution[];
  events: FoundEvent[];
}

/** Findings, newest first. One whose start is older than what was asked for begins when its end says. */
export function findings(events: FoundEvent[]): Finding[] {
  const pairs = new Map<string, { event: FoundEvent; record: Json }[]>();
  for (const event of events) {
    const record = parseRecord(event);
    if (record === undefined) continue;
    const id = textAt(record, 'sharedEventID') ?? event.EventId;
    pairs.set(id, [...(pairs.get(id) ?? []), { event, record }]);
  }
  return [...pairs].map(([id, pair]) => finding(id, pair)).sort((one, other) => other.start - one.start);
}

function finding(id: string, pair: { event: FoundEvent; record: Json }[]): Finding {
  const state = (name: string) => pair.find(({ record }) => textAt(record, 'insightDetails', 'state') === name);
  const [start, end] = [state('Start'), state('End')];
  const told = end ?? start ?? pair[0];
  const details = at(told?.record, 'insightDetails');
  const statistics = at(details, 'insightContext', 'statistics');
  const minutes = numberAt(statistics, 'insightDuration') ?? 0;
  const endTime = end?.event.EventTime;
  return {
    id,
    type: textAt(details, 'insightType') ?? 'Unknown',
    source: textAt(details, 'eventSource') ?? told?.event.EventSource ?? '',
    name: textAt(details, 'eventName') ?? told?.event.EventName ?? '',
    errorCode: textAt(details, 'errorCode'),
    region: textAt(told?.record, 'awsRegion') ?? '',
    account: textAt(told?.record, 'recipientAccountId') ?? '',
    start: start?.event.EventTime ?? (endTime ?? 0) - minutes * 60,
    end: endTime,
    insight: numberAt(statistics, 'insight', 'average') ?? 0,
    baseline: numberAt(statistics, 'baseline', 'average') ?? 0,
    baselineMinutes: numberAt(statistics, 'baselineDuration'),
    attributions: attributions(at(details, 'insightContext', 'attributions')),
    events: pair.map(({ event }) => event),
  };
}

function attributions(value: Json | undefined): Attribution[] {
  return list(value).map((one) => ({
    attribute: textAt(one, 'attribute') ?? '',
    insight: list(at(one, 'insight')).map(share),
    baseline: list(at(one, 'baseline')).map(share),
  }));
}

function share(value: Json): Share {
  return { value: textAt(value, 'value') ?? '', average: numberAt(value, 'average') ?? 0 };
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function numberAt(tree: Json | undefined, ...path: string[]): number | undefined {
  const value = at(tree, ...path);
  return typeof value === 'number' ? value : undefined;
}

export const TYPES: Record<string, { label: string; unit: string }> = {
  ApiCallRateInsight: { label: 'API call rate', unit: 'calls' },
  ApiErrorRateInsight: { label: 'API error rate', unit: 'errors' },
};

/** `12`, `0.25`, `0.00098`: as many digits as say something. */
export function formatRate(rate: number): string {
  if (rate === 0) return '0';
  return rate >= 100 ? rate.toFixed(0) : String(Number(rate.toPrecision(3)));
}
