/** Follows what is recorded, as it is recorded. */
import { useEffect, useState } from 'react';

import { tell } from '../../api/errors';
import { type FoundEvent, NO_SEARCHES, type SearchQuestion, searchEvents } from '../../api/search';
import { useSession } from '../../shell/session';

const ROWS_MAX = 500;
/** A call waits this long for events, so that a quiet server is asked seldom: each call is itself recorded. */
const WAIT_SECONDS = 15;
const RETRY_MS = 3_000;

/** New events, newest first, while `isOn`; the question's time range does not count. */
export function useLive(
  question: SearchQuestion,
  isOn: boolean,
): { events: FoundEvent[]; problem: string | undefined } {
  const { session, signOut } = useSession();
  const [events, setEvents] = useState<FoundEvent[]>([]);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    setEvents([]);
    setProblem(undefined);
    if (!isOn) return;
    const controller = new AbortController();
    const { signal } = controller;
    const { Filters, Text, Regions, Accounts } = question;
    const input = {
      ...(Text === undefined ? {} : { Text }),
      ...(Regions === undefined ? {} : { Regions }),
      ...(Accounts === undefined ? {} : { Accounts }),
      Filters: [...(Filters ?? []), NO_SEARCHES],
      StartTime: Math.floor(Date.now() / 1000) - 2,
      Order: 'Arrival' as const,
      MaxResults: 100,
      WaitSeconds: WAIT_SECONDS,
    };
    const run = async () => {
      let token: string | undefined;
      for (;;) {
        try {
          const page = await searchEvents(
            session,
            { ...input, ...(token === undefined ? {} : { NextToken: token }) },
            signal,
          );
          if (controller.signal.aborted) return;
          token = page.NextToken ?? token;
          setProblem(undefined);
          if (page.Events.length > 0) {
            setEvents((last) => {
              const known = new Set(last.map((event) => event.EventId));
              const fresh = page.Events.filter((event) => !known.has(event.EventId));
              return [...fresh.reverse(), ...last].slice(0, ROWS_MAX);
            });
          }
        } catch (error) {
          if (signal.aborted) return;
          const told = tell(error);
          if (told.mustSignIn) {
            signOut(error);
            return;
          }
          setProblem(told.title);
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    };
    void run();
    return () => controller.abort();
  }, [session, question, isOn, signOut]);
  return { events, problem };
}
