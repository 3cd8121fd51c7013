/** The console: signed out it is a form, signed in it is the page that the path names. */
import I18nProvider from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { Suspense, useEffect, useMemo, useState } from 'react';

import { ApiProblem } from './api/errors';
import { Boundary } from './components/boundary';
import { Problem } from './components/states';
import { placeOf, prefetch } from './pages/pages';
import SignIn from './pages/sign-in';
import { isDark, usePreferences } from './shell/preferences';
import { beforeNavigation, usePath } from './shell/router';
import {
  type Credentials,
  type ServerFacts,
  type SessionControl,
  SessionContext,
  keepCredentials,
  loadCredentials,
} from './shell/session';

beforeNavigation((path) => placeOf(path).prepare());

export function App({ server }: { server: ServerFacts | undefined }) {
  useMode();
  return (
    <I18nProvider locale="en" messages={[messages]}>
      {server === undefined ? (
        <Problem
          error={new ApiProblem('NetworkError', 'The server did not say where its API is (/-/console.json).', 0)}
          retry={() => location.reload()}
        />
      ) : (
        <SignedInOrNot server={server} />
      )}
    </I18nProvider>
  );
}

function SignedInOrNot({ server }: { server: ServerFacts }) {
  const [credentials, setCredentials] = useState(loadCredentials);
  const [reason, setReason] = useState<unknown>();
  const control = useMemo<SessionControl | undefined>(() => {
    if (credentials === undefined) return undefined;
    const keep = (next: Credentials | undefined) => {
      keepCredentials(next);
      setCredentials(next);
    };
    return {
      session: { ...credentials, endpoint: server.endpoint },
      server,
      setRegion: (region) => keep({ ...credentials, region }),
      signOut: (why) => {
        setReason(why);
        keep(undefined);
      },
    };
  }, [credentials, server]);
  useEffect(() => {
    // What comes after signing in is fetched while the form is filled in.
    if (credentials === undefined) void prefetch(location.pathname);
  }, [credentials]);
  if (control === undefined) {
    return (
      <SignIn
        server={server}
        reason={reason}
        onSignIn={(next) => {
          keepCredentials(next);
          setReason(undefined);
          setCredentials(next);
        }}
      />
    );
  }
  return (
    <SessionContext value={control}>
      <Page />
    </SessionContext>
  );
}

function Page() {
  const path = usePath();
  return (
    <Boundary path={path}>
      <Suspense fallback={null}>{placeOf(path).element}</Suspense>
    </Boundary>
  );
}

/** Light or dark, as chosen or as the system is, also when that changes. */
function useMode(): void {
  const { mode } = usePreferences();
  useEffect(() => {
    const apply = () => applyMode(isDark(mode) ? Mode.Dark : Mode.Light);
    const system = matchMedia('(prefers-color-scheme: dark)');
    apply();
    system.addEventListener('change', apply);
    return () => system.removeEventListener('change', apply);
  }, [mode]);
}
