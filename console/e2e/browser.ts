/** A browser for each file, watched for everything that must not happen. */
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject } from 'vitest';

import { launch, signIn } from './harness.mjs';

export const facts = inject('facts');

let browser: Browser;

/** What must stay empty: requests to other hosts, broken policies, errors of scripts. */
export const faults: string[] = [];

export function withBrowser(): void {
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    expect(faults).toEqual([]);
  });
}

/** A page of its own, without anything kept from before. */
export async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    timezoneId: 'UTC',
    acceptDownloads: true,
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const own = [facts, facts.damaged].flatMap(({ admin, api }) => [admin, api]).map((url) => new URL(url).host);
  page.on('request', (request) => {
    const url = new URL(request.url());
    const isLocal = url.protocol === 'blob:' || url.protocol === 'data:';
    if (!isLocal && !own.includes(url.host)) faults.push(`request to ${url.href}`);
  });
  page.on('pageerror', (error) => faults.push(`error of a script: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy|Minified React error|Maximum update depth/.test(message.text()))
      faults.push(message.text());
  });
  return page;
}

export async function signedIn(path = '/', options: BrowserContextOptions = {}): Promise<Page> {
  const page = await newPage(options);
  await signIn(page, facts.admin, facts, path);
  await page.getByRole('button', { name: /signed in with/ }).waitFor();
  return page;
}

/** What axe-core finds in the page that is serious or worse, once nothing moves or fades any more. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every((it) => it.playState !== 'running' || it.effect?.getComputedTiming().endTime === Infinity),
  );
  const { violations } = await page.evaluate(() => {
    const { axe: here } = window as unknown as { axe: typeof axe };
    return here.run(document, { resultTypes: ['violations'] });
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}
