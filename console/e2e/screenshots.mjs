// Takes the pictures in docs/console from a real server: `make console-shots`. Look at them before they are committed.
import { mkdirSync } from 'node:fs';

import { launch, signIn, startServer } from './harness.mjs';

const out = new URL('../../docs/console/', import.meta.url).pathname;
mkdirSync(out, { recursive: true });

const server = await startServer('--plain');
const browser = await launch();

/**
 * @param {string} path
 * @param {{ dark?: boolean, width?: number, height?: number }} [as]
 */
async function open(path, { dark = false, width = 1280, height = 860 } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  await signIn(page, server.facts.admin, server.facts, path);
  await page.getByRole('button', { name: /signed in with/ }).waitFor();
  await rest(page);
  return page;
}

/** @param {import('playwright-core').Page} page */
async function rest(page) {
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(400);
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function shoot(page, name) {
  await page.screenshot({ path: `${out}${name}.png` });
  await page.context().close();
  console.log(name);
}

try {
  const form = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await form.goto(server.facts.admin);
  await form.getByLabel('Access key ID').waitFor();
  await rest(form);
  await form.screenshot({ path: `${out}sign-in.png` });

  // Insights look at whole minutes: the burst that the server was given is found within two.
  const insights = await open('/insights');
  const finding = insights.getByRole('link', { name: 'CreateUser' }).first();
  for (let round = 0; round < 80 && (await finding.count()) === 0; round++) {
    await insights.getByRole('button', { name: 'Load findings again' }).click();
    await insights.waitForTimeout(2_000);
  }
  await rest(insights);
  await insights.screenshot({ path: `${out}insights.png` });
  await finding.click();
  await insights.getByRole('heading', { name: 'Attributions' }).waitFor();
  await rest(insights);
  await shoot(insights, 'insight');

  await shoot(await open('/events?range=1h'), 'events');
  const event = await open('/events?f=ResourceName%3Dmade-by-a-chain&range=1h', { height: 1350 });
  await event.getByRole('link', { name: 'CreateUser' }).first().click();
  await event.locator('.pm-chain > li').nth(2).waitFor();
  await rest(event);
  await shoot(event, 'event');
  const json = await open('/events?f=EventName%3DRunInstances&range=1h', { dark: true, height: 1000 });
  await json.getByRole('link', { name: 'RunInstances' }).first().click();
  await json.getByRole('tab', { name: 'JSON' }).click();
  await rest(json);
  await shoot(json, 'event-json-dark');
  await shoot(await open('/trails'), 'trails');
  await shoot(await open('/trails/broken', { height: 1000 }), 'trail');
  await shoot(await open('/trails/new', { height: 1000 }), 'trail-create');
  await shoot(await open('/dashboard?range=1h', { height: 1150 }), 'dashboard');
  await shoot(await open('/dashboard?range=1h', { dark: true, height: 1150 }), 'dashboard-dark');
  await shoot(await open('/events?range=1h', { width: 390, height: 844 }), 'events-390');
  await shoot(await open('/dashboard?range=1h', { width: 390, height: 844 }), 'dashboard-390');
} finally {
  await browser.close();
  await server.stop();
}
