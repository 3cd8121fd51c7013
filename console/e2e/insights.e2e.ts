import { expect, test } from 'vitest';

import { accessibilityFaults, signedIn, withBrowser } from './browser';

withBrowser();

test('a burst is found, charted with its baseline, and attributed', async () => {
  const page = await signedIn('/insights');
  const link = page.getByRole('link', { name: 'CreateUser' }).first();
  // Insights look at whole minutes: the finding comes within two.
  await expect
    .poll(
      async () => {
        await page.getByRole('button', { name: 'Load findings again' }).click();
        return link.count();
      },
      { timeout: 150_000, interval: 2_000 },
    )
    .toBeGreaterThan(0);
  await page.getByText('API call rate').first().waitFor();
  await link.click();
  await page.getByRole('heading', { name: 'CreateUser', level: 1 }).waitFor();
  await page.getByRole('heading', { name: 'Calls a minute' }).waitFor();
  await page.getByText('Baseline', { exact: true }).first().waitFor();
  const users = page.getByRole('table', { name: 'User identity' });
  await users.getByRole('row', { name: /:root/ }).waitFor();
  await users.getByRole('row', { name: /user\/usual/ }).waitFor();
  await page.getByRole('table', { name: 'Error code' }).getByText('No error').waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Show these events' }).click();
  await expect.poll(() => page.url()).toContain('EventName%3DCreateUser');
}, 200_000);

test('a finding that is not there says so', async () => {
  const page = await signedIn('/insights/00000000-0000-0000-0000-000000000000');
  await page.getByText('This finding is not there').waitFor();
});

test('the dashboard counts events and leads to them', async () => {
  const page = await signedIn('/dashboard');
  for (const name of ['Users', 'Services', 'Errors', 'Source addresses', 'Event names', 'Pipeline']) {
    await page.getByRole('heading', { name, exact: true }).waitFor();
  }
  await page.getByText('NoSuchEntityException').waitFor();
  await page.getByText(/of which \d+ failed calls/).waitFor();
  await page
    .getByText('Up to date')
    .or(page.getByText(/to save/))
    .first()
    .waitFor();
  await page.getByText(/Trail main/).waitFor();
  await page.getByText(/Failing: NoSuchBucket/).waitFor();
  await page.getByRole('link', { name: 'NoSuchEntityException' }).click();
  await expect.poll(() => page.url()).toContain('errorCode%3DNoSuchEntityException');
  await page.getByRole('link', { name: 'GetRole' }).first().waitFor();
});
