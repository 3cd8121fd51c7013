import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { accessibilityFaults as check, facts, newPage, signedIn, withBrowser } from './browser';

withBrowser();

const PAGES = [
  ['/events', 'Event history'],
  ['/events?f=EventName%3DCreateSecret&range=90d', 'Event history'],
  ['/trails', /^Trails/],
  ['/trails/main', 'main'],
  ['/trails/broken', 'broken'],
  ['/trails/main/edit', 'Edit main'],
  ['/trails/new', 'Name and bucket'],
  ['/insights', /^Insights/],
  ['/dashboard', 'Dashboard'],
  ['/nowhere', undefined],
] as const;

test.each(['light', 'dark'] as const)(
  'no page has a serious accessibility fault in %s mode',
  async (colorScheme) => {
    const out = await newPage({ colorScheme });
    await out.goto(facts.admin);
    await out.getByLabel('Access key ID').waitFor();
    expect(await check(out)).toEqual([]);
    const page = await signedIn('/events', { colorScheme });
    expect(await page.evaluate(() => document.body.classList.contains('awsui-dark-mode'))).toBe(colorScheme === 'dark');
    for (const [path, heading] of PAGES) {
      await page.goto(facts.admin + path);
      if (heading !== undefined) await page.getByRole('heading', { name: heading, exact: true, level: 1 }).waitFor();
      await page.waitForLoadState('networkidle');
      expect(await check(page), path).toEqual([]);
    }
    await page.goto(`${facts.admin}/events?f=EventName%3DCreateSecret`);
    await page.getByRole('link', { name: 'CreateSecret' }).first().click();
    for (const tab of ['Summary', 'JSON', 'Related events']) {
      await page.getByRole('tab', { name: tab }).click();
      await page.waitForLoadState('networkidle');
      expect(await check(page), tab).toEqual([]);
    }
    await page.goto(`${facts.admin}/trails/new`);
    await page.getByLabel('Trail name').fill('looked-at');
    await page.getByLabel('Bucket name').fill('looked-at');
    for (const step of ['Notifications and tags', 'Events', 'Review and create']) {
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByRole('heading', { name: step, level: 1 }).waitFor();
      if (step === 'Notifications and tags') await page.getByRole('button', { name: 'Add tag' }).click();
      if (step === 'Events') {
        await page.getByRole('radio', { name: /Advanced/ }).click();
        await page.getByRole('button', { name: 'Add selector' }).click();
        await page.getByRole('menuitem', { name: /S3 deletions/ }).click();
      }
      expect(await check(page), step).toEqual([]);
      if (step === 'Notifications and tags') await page.getByLabel('Key of tag 1').fill('team');
    }
    await page.goto(`${facts.admin}/trails/main`);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('dialog').getByRole('textbox').waitFor();
    expect(await check(page), 'the question before a trail is deleted').toEqual([]);
  },
  180_000,
);

test('every page fits into 390 pixels', async () => {
  const page = await signedIn('/events', { viewport: { width: 390, height: 844 } });
  for (const [path] of PAGES) {
    await page.goto(facts.admin + path);
    await page.waitForLoadState('networkidle');
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width, path).toBeLessThanOrEqual(390);
  }
});

test('hostile events are shown as text', async () => {
  const page = await signedIn('/events?f=&q=hacked');
  const seen: string[] = [];
  page.on('dialog', (dialog) => void dialog.dismiss());
  const names = page.getByRole('grid', { name: 'Events' }).getByRole('link');
  await expect.poll(() => names.count()).toBeGreaterThanOrEqual(3);
  for (let index = 0; index < (await names.count()); index++) {
    await names.nth(index).press('Enter');
    await page.getByRole('tab', { name: 'Summary' }).click();
    await page.waitForLoadState('networkidle');
    await page.getByRole('tab', { name: 'JSON' }).click();
    seen.push(await page.locator('.pm-json').innerText());
    await page.getByRole('tab', { name: 'Related events' }).click();
    await page.waitForLoadState('networkidle');
  }
  expect(seen.join('\n')).toContain('<script>window.hacked = true</script>');
  expect(await page.evaluate(() => (window as { hacked?: boolean }).hacked)).toBeUndefined();
  expect(await page.locator('img[src="x"]').count()).toBe(0);
});

test('imported events that are hostile in every field, 256 KB in several, are shown as text', async () => {
  const page = await signedIn('/events?f=EventName%5Eeverywhere');
  const names = page.getByRole('grid', { name: 'Events' }).getByRole('link');
  await expect.poll(() => names.count()).toBe(4);
  for (let index = 0; index < 4; index++) {
    await names.nth(index).press('Enter');
    await page.getByRole('tab', { name: 'Summary' }).click();
    await page.getByText('Imported', { exact: true }).waitFor();
    await page.waitForLoadState('networkidle');
    await page.getByRole('tab', { name: 'Related events' }).click();
    await page.waitForLoadState('networkidle');
    await page.getByRole('tab', { name: 'JSON' }).click();
    await page.getByText('"eventVersion"').waitFor();
    const text = await page.locator('body').innerText();
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/);
    expect(text.length).toBeLessThan(100_000);
  }
  await page.goto(`${facts.admin}/dashboard`);
  await page.getByRole('heading', { name: 'Pipeline' }).waitFor();
  await page.waitForLoadState('networkidle');
  expect(await page.locator('body').innerText()).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/);
  expect(await page.evaluate(() => (window as { hacked?: boolean }).hacked)).toBeUndefined();
  expect(await page.locator('img[src="x"]').count()).toBe(0);
});

test('long texts and marks that turn the reading direction are shown, cut and written out', async () => {
  const page = await signedIn('/events?f=Username%3Droot&f=EventName%3DCreateQueue&q=hostile');
  await page.getByRole('link', { name: 'CreateQueue' }).first().click();
  await page.getByRole('tab', { name: 'JSON' }).click();
  await page.getByText(/60,000 characters/).waitFor();
  const text = await page.locator('body').innerText();
  expect(text).toContain('\\u202egnp.evil\\u202c');
  expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/);
  await page.getByRole('button', { name: 'Show long values whole' }).click();
  await expect.poll(async () => (await page.locator('.pm-json').innerText()).length).toBeGreaterThan(60_000);
});

test('the page is served with strict headers, and its files are kept by their hash', async () => {
  const page = await fetch(facts.admin);
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain(`connect-src 'self' ${facts.api};`);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*/);
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const html = await page.text();
  expect(html).not.toMatch(/<script(?![^>]*src=)/);
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? '';
  for (const coding of ['br', 'gzip', 'identity']) {
    const answer = await fetch(facts.admin + script, { headers: { 'accept-encoding': coding } });
    expect(answer.headers.get('content-encoding') ?? 'identity').toBe(coding);
    expect(answer.headers.get('cache-control')).toContain('immutable');
    expect(await answer.text()).toBe(await readFile(new URL(`../dist${script}`, import.meta.url), 'utf8'));
    const again = await fetch(facts.admin + script, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  }
  expect((await fetch(`${facts.admin}/assets/no-such-file.js`)).status).toBe(404);
  expect((await fetch(`${facts.admin}/trails/main`)).headers.get('content-type')).toContain('text/html');
});

test('a page that cannot be fetched says so, and what to do', async () => {
  const page = await signedIn('/events');
  await page.getByRole('grid', { name: 'Events' }).waitFor();
  // As after an update of the server: files of the page that is open are there no more.
  await page.route(/\/assets\/list-/, (route) => route.fulfill({ status: 404 }));
  await page.getByRole('link', { name: 'Trails' }).click();
  await page.getByText('The server cannot be reached').waitFor();
  expect(page.url()).toBe(`${facts.admin}/trails`);
  await page.unrouteAll();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('row', { name: /^main/ }).waitFor();
});

test('the server tells the page its address, and nothing secret', async () => {
  const answer = await fetch(`${facts.admin}/-/console.json`);
  const told = (await answer.json()) as Record<string, string>;
  expect(Object.keys(told).sort()).toEqual(['accountId', 'endpoint', 'region', 'version']);
  expect(told.endpoint).toBe(facts.api);
});

test('only the page itself may ask the API from a browser, and asking whether it may is no call', async () => {
  const preflight = (origin: string, server = facts.api) =>
    fetch(server, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,x-amz-target',
      },
    });
  const recorded = async () => {
    const metrics = await (await fetch(`${facts.admin}/-/metrics`)).text();
    return /^pugmark_journal_head (\d+)/m.exec(metrics)?.[1];
  };
  const before = await recorded();
  const own = await preflight(facts.admin);
  expect(own.status).toBe(204);
  expect(own.headers.get('access-control-allow-origin')).toBe(facts.admin);
  expect(own.headers.get('access-control-allow-headers')).toBe('authorization,x-amz-target');
  expect(before).toBeDefined();
  expect(await recorded()).toBe(before);
  // Any other page's question is the upstream's to answer.
  const [other, direct] = [
    await preflight('http://evil.example'),
    await preflight('http://evil.example', facts.upstream),
  ];
  for (const header of [
    'access-control-allow-origin',
    'access-control-allow-headers',
    'access-control-expose-headers',
  ]) {
    expect(other.headers.get(header), header).toBe(direct.headers.get(header));
  }
});
