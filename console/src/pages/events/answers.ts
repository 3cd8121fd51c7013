/** What event history is asked, and what it answers: the pages of events, and their counts. */
import { createContext, useCallback, useContext, useMemo, useState } from 'react';

import {
  type CountEventsOutput,
  type SearchOrder,
  type SearchQuestion,
  countEvents,
  searchSome,
} from '../../api/search';
import { bounds, interval } from '../../lib/time';
import { usePreferences } from '../../shell/preferences';
import { useSession } from '../../shell/session';
import { type Loaded, useLoad } from '../../shell/use-load';
import { type Row, rowOf } from './columns';
import { type Query, questionOf, searchOf } from './query';

export interface Asked {
  key: string;
  question: SearchQuestion;
  start: number;
  end: number;
}

/** The question, with "now" held still until something is changed: pages must belong to one question. */
export function useAsked(query: Query, round: number): Asked {
  const key = `${searchOf({ ...query, event: undefined, sort: undefined })} ${round}`;
  return useMemo(() => {
    const now = Date.now() / 1000;
    const { start, end } = bounds(query.range, now);
    return { key, question: questionOf(query, now), start, end: end ?? now };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key holds all of the query that matters
  }, [key]);
}

export function useCounts({ question, start, end }: Asked): Loaded<CountEventsOutput> {
  const { session } = useSession();
  const load = useCallback(
    (signal: AbortSignal) => countEvents(session, { ...question, IntervalSeconds: interval(end - start) }, signal),
    [session, question, start, end],
  );
  return useLoad(load);
}

/** How far an answer's pages are known, and which is shown. */
interface Place {
  answer: string;
  tokens: (string | undefined)[];
  index: number;
}

const NO_ROWS: Row[] = [];

/** The pages of an answer, each found by the token that the page before it gave. */
export function usePages({ key, question }: Asked, order: SearchOrder) {
  const { session } = useSession();
  const { pageSize } = usePreferences();
  const answer = `${key} ${pageSize}`;
  const [place, setPlace] = useState<Place>({ answer, tokens: [undefined], index: 1 });
  // The pages of another answer are forgotten.
  const { tokens, index } = place.answer === answer ? place : { tokens: [undefined], index: 1 };
  const token = tokens[index - 1];
  const load = useCallback(
    async (signal: AbortSignal) => {
      const input = { ...question, Order: order, MaxResults: pageSize };
      const page = await searchSome(
        session,
        { ...input, ...(token === undefined ? {} : { NextToken: token }) },
        signal,
      );
      return { rows: page.Events.map(rowOf), next: page.NextToken };
    },
    [session, question, order, pageSize, token],
  );
  const { value, error, isLoading } = useLoad(load);
  const next = isLoading ? undefined : value?.next;
  const known = next === undefined ? tokens : [...tokens.slice(0, index), next];
  return {
    rows: value?.rows ?? NO_ROWS,
    error,
    isLoading,
    index,
    count: known.length,
    hasMore: next !== undefined,
    go: (to: number) => setPlace({ answer, tokens: known, index: Math.min(to, known.length) }),
  };
}

interface All {
  counts: Loaded<CountEventsOutput>;
  pages: ReturnType<typeof usePages>;
}

/** For the small parts of the table that follow each change of a search, which its rows need not do. */
export const Answers = createContext<All | undefined>(undefined);

export function useAnswers(): All {
  const all = useContext(Answers);
  if (all === undefined) throw new Error('a table without answers');
  return all;
}
