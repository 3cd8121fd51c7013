/** Messages above the page: what was done, what failed. */
import type { FlashbarProps } from '@cloudscape-design/components/flashbar';
import { useSyncExternalStore } from 'react';

type Notice = Pick<FlashbarProps.MessageDefinition, 'type' | 'header' | 'content' | 'loading' | 'action'> & {
  id: string;
};

const listeners = new Set<() => void>();
let notices: readonly Notice[] = [];
let count = 0;

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

/** Shows a message until it is dismissed, or replaced by the next of its id. */
export function notify(notice: Omit<Notice, 'id'> & { id?: string }): string {
  const id = notice.id ?? `notice-${count++}`;
  set([{ ...notice, id }, ...notices.filter((it) => it.id !== id)].slice(0, 4));
  return id;
}

export function dismiss(id: string): void {
  set(notices.filter((it) => it.id !== id));
}

export function useNotices(): readonly Notice[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
}
