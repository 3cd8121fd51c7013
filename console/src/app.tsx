/** The console: signed out it is a form, signed in it is the page that the path names. */
import I18nProvider from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';

import { Problem } from './components/states';
import { isDark, usePreferences } from './shell/preferences';
import { usePath } from './shell/router';
import {
  type Credentials,
  type ServerFacts,
  type SessionControl,
  SessionContext,
  keepCredentials,
  loadCredentials,
} from './shell/session';
import { ApiProblem } from './api/errors';
import SignIn from './pages/sign-in';

const loadEvents = () => import('./pages/events/page');
const Events = lazy(loadEvents);
const Trails = lazy(() => import('./pages/trails/list'));
const NewTrail = lazy(() => import('./pages/trails/create'));
const Trail = lazy(() => import('./pages/trails/detail'));
const EditTrail = lazy(() => import('./pages/trails/edit'));
const Insights = lazy(() => import('./pages/insights/list'));
const Insight = lazy(() => import('./pages/insights/detail'));
const Dashboard = lazy(() => import('./pages/dashboard/page'));
const NotFound = lazy(() => import('./pages/not-found'));

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
    if (credentials === undefined) void loadEvents();
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
      <Suspense fallback={null}>
        <Page />
      </Suspense>
    </SessionContext>
  );
}

function Page() {
  const path = usePath();
  const [, area = '', name = '', action = ''] = path.split('/').map(decoded);
  if (area === '' || area === 'events') return <Events />;
  if (area === 'dashboard') return <Dashboard />;
  if (area === 'trails' && name === '') return <Trails />;
  if (area === 'trails' && name === 'new' && action === '') return <NewTrail />;
  if (area === 'trails' && action === '') return <Trail key={name} name={name} />;
  if (area === 'trails' && action === 'edit') return <EditTrail key={name} name={name} />;
  if (area === 'insights' && name === '') return <Insights />;
  if (area === 'insights') return <Insight key={name} id={name} />;
  return <NotFound />;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
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
