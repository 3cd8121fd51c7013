/** The address bar: where the person is, and the state of the page in its query. */
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let prepare: (path: string) => Promise<unknown> | undefined = () => undefined;
let navigations = 0;

/** What a path needs is fetched before the person is led there; undefined if it is there already. */
export function beforeNavigation(next: typeof prepare): void {
  prepare = next;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

/** Goes to a path of this page, with its query. */
export function navigate(to: string, options?: { replace?: boolean }): void {
  if (to === location.pathname + location.search) return;
  const number = ++navigations;
  const go = () => {
    // The person went elsewhere in the meantime.
    if (number !== navigations) return;
    if (options?.replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    for (const listener of listeners) listener();
  };
  const waiting = prepare(new URL(to, location.href).pathname);
  if (waiting === undefined) go();
  // What cannot be fetched may be there under another name since the server was updated: the whole page is loaded anew.
  else waiting.then(go, () => location.assign(to));
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => location.search);
}

/** One parameter of the query: whoever needs no other is not drawn again when another changes. */
export function useParameter(name: string): string | undefined {
  return useSyncExternalStore(subscribe, () => new URLSearchParams(location.search).get(name) ?? undefined);
}

/** For links: an ordinary click stays in the page, all others are the browser's. */
export function follow(event: CustomEvent<{ href?: string; external?: boolean }>): void {
  if (event.detail.external || event.detail.href === undefined) return;
  event.preventDefault();
  navigate(event.detail.href);
}
