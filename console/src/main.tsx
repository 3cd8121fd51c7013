import '@cloudscape-design/global-styles/index.css';
import './styles.css';

import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './app';
import { prefetch } from './pages/pages';
import { isDark, preferences } from './shell/preferences';
import { type ServerFacts, loadCredentials } from './shell/session';

const root = document.getElementById('root');

async function start(): Promise<void> {
  if (root === null) return;
  // Before React is there: no flash of the other mode.
  applyMode(isDark(preferences().mode) ? Mode.Dark : Mode.Light);
  const page = loadCredentials() === undefined ? undefined : prefetch(location.pathname);
  const server = await askServer();
  await page;
  createRoot(root).render(
    <StrictMode>
      <App server={server} />
    </StrictMode>,
  );
}

/** Where the API is; undefined if the server does not say, which the page then tells. */
async function askServer(): Promise<ServerFacts | undefined> {
  try {
    const answer = await fetch('/-/console.json', { cache: 'no-store' });
    return answer.ok ? ((await answer.json()) as ServerFacts) : undefined;
  } catch {
    return undefined;
  }
}

void start();
