/** Who is signed in, kept for this tab only. */
import { createContext, useContext } from 'react';

/** What `/-/console.json` tells of the server. */
export interface ServerFacts {
  version: string;
  region: string;
  accountId: string;
  endpoint: string;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  region: string;
}

export interface Session extends Credentials {
  endpoint: string;
}

const KEY = 'pugmark.session';

/** The credentials of this tab: session storage, so that they end with it and no other tab has them. */
export function loadCredentials(): Credentials | undefined {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? undefined : (JSON.parse(text) as Credentials);
  } catch {
    return undefined;
  }
}

export function keepCredentials(credentials: Credentials | undefined): void {
  try {
    if (credentials === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(credentials));
  } catch {
    // Storage is switched off: the session then lasts until the page is loaded anew.
  }
}

export interface SessionControl {
  session: Session;
  server: ServerFacts;
  setRegion: (region: string) => void;
  /** Ends the session; the reason is shown at the sign-in form. */
  signOut: (reason?: unknown) => void;
}

export const SessionContext = createContext<SessionControl | undefined>(undefined);

export function useSession(): SessionControl {
  const control = useContext(SessionContext);
  if (control === undefined) throw new Error('a page without a session');
  return control;
}
