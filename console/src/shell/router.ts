/** The address bar: where the person is, and the state of the page in its query. */
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();

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
  if (options?.replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  for (const listener of listeners) listener();
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => location.search);
}

/** For links: an ordinary click stays in the page, all others are the browser's. */
export function follow(event: CustomEvent<{ href?: string; external?: boolean }>): void {
  if (event.detail.external || event.detail.href === undefined) return;
  event.preventDefault();
  navigate(event.detail.href);
}
