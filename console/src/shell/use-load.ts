/** Loading with a state that pages show: loading, failed, there. */
import { useCallback, useEffect, useRef, useState } from 'react';

import { tell } from '../api/errors';
import { useSession } from './session';

export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  isLoading: boolean;
  reload: () => void;
}

/**
 * Runs `load` whenever it changes (wrap it in `useCallback`); the run before is given up. While loading again, the last
 * value stays. A key that does not work any more ends the session.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const { signOut } = useSession();
  const [round, setRound] = useState(0);
  /** How the last run that ended did, and which it was. */
  const [last, setLast] = useState<{
    of: typeof load | undefined;
    round: number;
    value: T | undefined;
    error: unknown;
  }>({
    of: undefined,
    round,
    value: undefined,
    error: undefined,
  });
  const signOutLast = useRef(signOut);
  useEffect(() => {
    signOutLast.current = signOut;
  });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    load(signal).then(
      (value) => {
        if (!signal.aborted) setLast({ of: load, round, value, error: undefined });
      },
      (error: unknown) => {
        if (signal.aborted) return;
        if (tell(error).mustSignIn) signOutLast.current(error);
        setLast({ of: load, round, value: undefined, error });
      },
    );
    return () => controller.abort();
  }, [load, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { value: last.value, error: last.error, isLoading: last.of !== load || last.round !== round, reload };
}
