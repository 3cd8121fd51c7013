import '@cloudscape-design/global-styles/index.css';
import './styles.css';

import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './app';
import { isDark } from './shell/preferences';
import type { ServerFacts } from './shell/session';

const root = document.getElementById('root');

async function start(): Promise<void> {
  if (root === null) return;
  applyMode(isDark(readMode()) ? Mode.Dark : Mode.Light);
  let server: ServerFacts | undefined;
  try {
    const answer = await fetch('/-/console.json', { cache: 'no-store' });
    if (answer.ok) server = (await answer.json()) as ServerFacts;
  } catch {
    // The page says so.
  }
  createRoot(root).render(
    <StrictMode>
      <App server={server} />
    </StrictMode>,
  );
}

/** Before React is there: no flash of the other mode. */
function readMode(): 'light' | 'dark' | 'system' {
  try {
    const kept = JSON.parse(localStorage.getItem('pugmark.preferences') ?? '{}') as { mode?: unknown };
    return kept.mode === 'light' || kept.mode === 'dark' ? kept.mode : 'system';
  } catch {
    return 'system';
  }
}

void start();
