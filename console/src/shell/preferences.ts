/** How a person likes the console: kept in this browser, nothing secret. */
import { useSyncExternalStore } from 'react';

export interface Preferences {
  mode: 'light' | 'dark' | 'system';
  columns: { id: string; visible: boolean }[] | undefined;
  pageSize: number;
  wrapLines: boolean;
  density: 'comfortable' | 'compact';
  showHistogram: boolean;
}

const KEY = 'pugmark.preferences';
const USUAL: Preferences = {
  mode: 'system',
  columns: undefined,
  pageSize: 50,
  wrapLines: false,
  density: 'comfortable',
  showHistogram: true,
};

const listeners = new Set<() => void>();
let current = load();

function load(): Preferences {
  try {
    return { ...USUAL, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) };
  } catch {
    return USUAL;
  }
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Kept until the page is loaded anew.
  }
  for (const listener of listeners) listener();
}

export function preferences(): Preferences {
  return current;
}

export function usePreferences(): Preferences {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, preferences);
}

export function isDark(mode: Preferences['mode']): boolean {
  return mode === 'dark' || (mode === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}
