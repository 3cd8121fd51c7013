/** Event history, through Pugmark's own operations. */
import type { Session } from '../shell/session';
import { type SearchEventsInput, type SearchEventsOutput, type SearchFilter, searchEvents } from './search.gen';

export * from './search.gen';

/** All Regions, and all accounts that the caller may see. */
export const EVERYWHERE = { Regions: ['*'], Accounts: ['*'] };

/** Searches of event history, the console's own among them, would hide what else goes on. */
export const NO_SEARCHES: SearchFilter = {
  Field: 'EventName',
  Operator: 'NotEquals',
  Values: ['SearchEvents', 'CountEvents', 'ExportEvents'],
};

/** Searches on until there is something to show: a page may be empty although more events match further back. */
export async function searchSome(
  session: Session,
  input: SearchEventsInput,
  signal?: AbortSignal,
): Promise<SearchEventsOutput> {
  let page = await searchEvents(session, input, signal);
  while (page.Events.length === 0 && page.NextToken !== undefined) {
    page = await searchEvents(session, { ...input, NextToken: page.NextToken }, signal);
  }
  return page;
}
