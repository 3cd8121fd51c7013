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
  const [state, setState] = useState<{ value: T | undefined; error: unknown; isLoading: boolean }>({
    value: undefined,
    error: undefined,
    isLoading: true,
  });
  const signOutLast = useRef(signOut);
  useEffect(() => {
    signOutLast.current = signOut;
  });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    setState((last) => ({ ...last, isLoading: true }));
    load(signal).then(
      (value) => {
        if (!signal.aborted) setState({ value, error: undefined, isLoading: false });
      },
      (error: unknown) => {
        if (signal.aborted) return;
        if (tell(error).mustSignIn) signOutLast.current(error);
        setState({ value: undefined, error, isLoading: false });
      },
    );
    return () => controller.abort();
  }, [load, round]);
  const reload = useCallback(() => setRound((last) => last + 1), []);
  return { ...state, reload };
}
