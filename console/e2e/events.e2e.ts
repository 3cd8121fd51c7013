import { readFile } from 'node:fs/promises';

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { facts, newPage, signedIn, withBrowser } from './browser';
import { createQueue, signIn } from './harness.mjs';

withBrowser();

const rows = (page: Page) => page.getByRole('grid', { name: 'Events' }).getByRole('row');
const column = async (page: Page, name: string): Promise<string[]> => {
  const table = page.getByRole('grid', { name: 'Events' });
  const heads = await table.getByRole('columnheader').allInnerTexts();
  const index = heads.findIndex((head) => head.trim().startsWith(name));
  const cells = await rows(page).evaluateAll(
    (found, at) => found.slice(1).map((row) => row.children[at]?.textContent ?? ''),
    index,
  );
  return cells.map((cell) => cell.trim());
};
const search = async (page: Page, text: string): Promise<void> => {
  const box = page.getByLabel('Filter events');
  await box.fill(text);
  await box.press('Enter');
};
const settled = (page: Page, expected: (names: string[]) => boolean, name = 'Event name') =>
  expect.poll(async () => expected(await column(page, name)), { timeout: 10_000 }).toBe(true);

test('the newest changes come first, reads only when asked for', async () => {
  const page = await signedIn('/events');
  await settled(page, (names) => names.includes('CreateUser'));
  expect(await column(page, 'Event name')).not.toContain('DescribeInstances');
  const times = await column(page, 'Event time');
  expect(times).toEqual([...times].sort().reverse());
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await search(page, 'EventName=DescribeInstances');
  await settled(page, (names) => names.length > 3 && names.every((name) => name === 'DescribeInstances'));
});

test('several filters, any field, and free text together', async () => {
  const page = await signedIn('/events?f=');
  await search(page, 'EventSource=s3.amazonaws.com');
  await search(page, 'outcome=failed');
  await settled(page, (names) => names.length > 0 && names.every((name) => name === 'DeleteBucket'));
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await search(page, 'requestParameters.queueName=jobs-1');
  await settled(page, (names) => names.length > 0 && names.every((name) => name === 'CreateQueue'));
  await search(page, 'eu-west-1');
  await search(page, 'userAgent:alice');
  await settled(page, (names) => names.length === 1);
  expect(page.url()).toContain('q=eu-west-1');
});

test('values of a field are proposed with their counts', async () => {
  const page = await signedIn('/events?f=');
  const box = page.getByLabel('Filter events');
  await box.fill('User name = ');
  await page.getByRole('option', { name: /= alice\b(?!-)/ }).click();
  await settled(page, (names) => names.length > 0 && names.every((name) => name === 'alice'), 'User name');
});

test('the address holds the search, so that it can be shared', async () => {
  const page = await signedIn('/events?f=');
  await search(page, 'Username=bob');
  await settled(page, (names) => names.length > 0 && names.every((name) => name === 'bob'), 'User name');
  await page.getByRole('link', { name: 'CreateSecret' }).first().click();
  await page.getByRole('heading', { name: 'CreateSecret' }).waitFor();
  const address = page.url();
  const other = await page.context().newPage();
  await signIn(other, facts.admin, facts, address.slice(facts.admin.length));
  await other.getByRole('heading', { name: 'CreateSecret' }).waitFor();
  await settled(other, (names) => names.length > 0 && names.every((name) => name === 'bob'), 'User name');
  await page.goBack();
  await settled(page, (names) => names.some((name) => name !== 'bob'), 'User name');
});

test('time ranges: relative, absolute, and by dragging over the histogram', async () => {
  const page = await signedIn('/events?f=');
  await page.getByRole('button', { name: /Last 1 day/ }).click();
  await page.getByRole('radio', { name: 'Last 1 hour' }).click();
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect.poll(() => page.url()).toContain('range=1h');
  await settled(page, (names) => names.length > 5);
  const chart = page.getByRole('slider', { name: /Events over time/ });
  const box = await chart.boundingBox();
  if (box === null) throw new Error('no histogram');
  await page.mouse.move(box.x + box.width * 0.1, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await expect.poll(() => page.url()).toMatch(/from=.*&to=/);
  // Nothing happened that long ago: the page says what to do.
  await page.getByText('No event matches').waitFor();
  await page.getByRole('button', { name: 'Search 90 days' }).click();
  await settled(page, (names) => names.length > 5);
  // The same with the keyboard: the last bar.
  await chart.focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.url()).toMatch(/from=.*&to=/);
  await settled(page, (names) => names.length > 5);
});

test('columns are chosen and kept, rows are sorted, pages turned', async () => {
  const page = await signedIn('/events?f=');
  await page.getByRole('button', { name: 'Preferences' }).click();
  await page.getByRole('radio', { name: '20 events' }).click();
  await page.getByLabel('Region', { exact: true }).check();
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect.poll(async () => (await column(page, 'Region')).length).toBe(20);
  const first = await column(page, 'Event time');
  await page.getByRole('button', { name: 'Next page' }).click();
  await expect.poll(async () => (await column(page, 'Event time'))[0] ?? '').not.toBe(first[0]);
  await page.reload();
  await page.getByRole('columnheader', { name: 'Region' }).waitFor();
  await settled(page, (names) => names.length === 20);
  await page.getByRole('columnheader', { name: 'Event time' }).getByRole('button').first().dispatchEvent('click');
  await expect
    .poll(async () => {
      const times = await column(page, 'Event time');
      return times.length > 1 && JSON.stringify(times) === JSON.stringify([...times].sort());
    })
    .toBe(true);
  await page.getByRole('columnheader', { name: 'User name' }).getByRole('button').first().dispatchEvent('click');
  await settled(page, (names) => names.join() === [...names].sort((a, b) => a.localeCompare(b)).join(), 'User name');
});

test('new calls appear by themselves', async () => {
  const page = await signedIn('/events');
  await settled(page, (names) => names.length > 5);
  await page.getByLabel('Live').check();
  const name = `live-${Date.now()}`;
  await page.waitForTimeout(500);
  await createQueue(facts, name);
  await page.getByRole('gridcell', { name: new RegExp(name) }).waitFor();
  await page.getByText('new', { exact: true }).first().waitFor();
});

test('an event shows who is behind it, back to the person', async () => {
  const page = await signedIn('/events?f=ResourceName%3Dmade-by-a-chain');
  await page.getByRole('link', { name: 'CreateUser' }).first().click();
  const chain = page.locator('.pm-chain > li');
  await expect.poll(() => chain.count()).toBe(3);
  const steps = await chain.allInnerTexts();
  expect(steps[0]).toMatch(/Role session[^]*auditor-role \/ night-audit/);
  expect(steps[1]).toMatch(/Role session[^]*deployer \/ alice-deploys[^]*AssumeRole/);
  expect(steps[2]).toMatch(/IAM user[^]*alice[^]*AssumeRole/);
});

test('an event shows its record, which can be copied and filtered by, and what belongs to it', async () => {
  const page = await signedIn('/events?f=EventName%3DCreateSecret&f=Username%3Dalice', {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await page.getByRole('link', { name: 'CreateSecret' }).first().click();
  await page.getByRole('tab', { name: 'JSON' }).click();
  await page.getByText('"eventVersion"').waitFor();
  await page.getByRole('button', { name: 'Copy the record as formatted JSON' }).click();
  await page.getByText('Copied').first().waitFor();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as { eventName: string };
  expect(copied.eventName).toBe('CreateSecret');
  await page.getByRole('tab', { name: 'Related events' }).click();
  const session = page.getByRole('table', { name: 'Same session' });
  await session.getByRole('row').nth(3).waitFor();
  await page.getByRole('heading', { name: /Same resource: db-/ }).waitFor();
  await page.getByRole('heading', { name: /Same request/ }).waitFor();
  await page.getByRole('tab', { name: 'JSON' }).click();
  await page.locator('.pm-json-string', { hasText: '"127.0.0.1"' }).click();
  await expect.poll(() => page.url()).toContain('sourceIPAddress%3D127.0.0.1');
});

test.each([
  ['CSV', (bytes: Buffer) => bytes.toString().split('\n').length > 5],
  ['JSON', (bytes: Buffer) => (JSON.parse(bytes.toString()) as { Records: unknown[] }).Records.length > 5],
  [
    'NDJSON',
    (bytes: Buffer) =>
      bytes
        .toString()
        .trim()
        .split('\n')
        .every((line) => line.startsWith('{')),
  ],
  [
    'Parquet',
    (bytes: Buffer) => bytes.subarray(0, 4).toString() === 'PAR1' && bytes.subarray(-4).toString() === 'PAR1',
  ],
])('what is filtered is downloaded as %s', async (format, isGood) => {
  const page = await signedIn('/events?f=Username%3Dalice');
  await settled(page, (names) => names.length > 5);
  await page.getByRole('button', { name: 'Download' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: new RegExp(`^${format}`) }).click(),
  ]);
  expect(isGood(await readFile(await download.path()))).toBe(true);
  await page.getByText('is downloaded').waitFor();
});

/** Presses Tab until what has the focus is what is looked for: nothing is clicked, nothing is focused by the script. */
async function tabTo(page: Page, what: RegExp): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const { activeElement: here } = document;
      const labels = here?.getAttribute('aria-labelledby')?.split(' ') ?? [];
      const own =
        here?.getAttribute('aria-label') ?? labels.map((id) => document.getElementById(id)?.textContent).join(' ');
      return `${here?.getAttribute('role') ?? here?.tagName.toLowerCase() ?? ''} ${own || (here?.textContent ?? '')}`;
    });
    if (what.test(name)) return;
    seen.push(name.slice(0, 60));
  }
  throw new Error(`Tab does not lead to ${String(what)}, but to ${seen.join(' | ')}`);
}

test('all of it works with the keyboard alone, from the key to the record', async () => {
  const page = await newPage();
  await page.goto(`${facts.admin}/events`);
  await page.getByLabel('Access key ID').waitFor();
  await page.keyboard.type(facts.accessKeyId);
  await tabTo(page, /Secret access key/);
  await page.keyboard.type(facts.secretAccessKey);
  await page.keyboard.press('Enter');
  await settled(page, (names) => names.includes('CreateUser'));
  await tabTo(page, /Filter events/);
  await page.keyboard.type('Username=bob');
  await page.keyboard.press('Enter');
  await settled(page, (names) => names.length > 3 && names.every((name) => name === 'bob'), 'User name');
  // In the table arrows lead from cell to cell, Enter opens the event.
  await tabTo(page, /^th Event in the panel/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'Summary' }).waitFor();
  await tabTo(page, /^tab Summary/);
  await page.keyboard.press('ArrowRight');
  await page.getByText('"eventVersion"').waitFor();
  await tabTo(page, /The record as JSON/);
});

test('events that are missing because files are damaged are told, in the page and before a download', async () => {
  const page = await newPage();
  await signIn(page, facts.damaged.admin, facts, '/events?f=');
  await page.getByText(/Events are missing: \d+ files? of event history cannot be read/).waitFor();
  await page.getByText(/Restore these files[^]*events\/.*\.parquet/).waitFor();
  // What can be read is there.
  await settled(page, (names) => names.includes('CreateBucket'));
  await page.getByRole('button', { name: 'Download' }).click();
  await page.getByRole('menuitem', { name: /^NDJSON/ }).click();
  await page.getByText('Nothing was saved: events would be missing').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download what can be read' }).click(),
  ]);
  const text = (await readFile(await download.path())).toString();
  expect(text).toContain('"bucketName":"kept"');
  expect(text).not.toContain('"bucketName":"lost"');
});
