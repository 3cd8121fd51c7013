/** Findings out of event history. */
import { EVERYWHERE, type FoundEvent, type SearchQuestion, searchEvents } from '../../api/search';
import type { Session } from '../../shell/session';
import { type Finding, findings } from './findings';

const EVENTS_MAX = 5_000;

export interface Loaded {
  findings: Finding[];
  /** There are more than are shown. */
  isCut: boolean;
}

export async function loadFindings(session: Session, question: SearchQuestion, signal: AbortSignal): Promise<Loaded> {
  const events: FoundEvent[] = [];
  let token: string | undefined;
  do {
    const page = await searchEvents(
      session,
      {
        ...question,
        EventCategories: ['Insight'],
        ...EVERYWHERE,
        MaxResults: 1000,
        ...(token === undefined ? {} : { NextToken: token }),
      },
      signal,
    );
    events.push(...page.Events);
    token = page.NextToken;
  } while (token !== undefined && events.length < EVENTS_MAX);
  return { findings: findings(events), isCut: token !== undefined };
}
