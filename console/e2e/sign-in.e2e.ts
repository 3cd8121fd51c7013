import { expect, test } from 'vitest';

import { facts, newPage, withBrowser } from './browser';
import { signIn } from './harness.mjs';

withBrowser();

const alert = 'This access key is not known here';

test('an unknown access key is told', async () => {
  const page = await newPage();
  await signIn(page, facts.admin, { accessKeyId: 'AKIANOBODYNOBODYNOBO', secretAccessKey: 'x' });
  await page.getByText(alert).waitFor();
});

test('a wrong secret is told', async () => {
  const page = await newPage();
  await signIn(page, facts.admin, { ...facts.reader, secretAccessKey: 'wrong' });
  await page.getByText('The secret access key does not belong to this access key').waitFor();
});

test('a temporary key needs its token, and works with it', async () => {
  const page = await newPage();
  const { sessionToken, ...key } = facts.temporary;
  await signIn(page, facts.admin, key);
  await page
    .getByText(/access key is not known here|credentials have expired|session token/i)
    .first()
    .waitFor();
  await signIn(page, facts.admin, { ...key, sessionToken: `${sessionToken ?? ''}-expired` });
  await page.getByText(alert).waitFor();
  await signIn(page, facts.admin, facts.temporary);
  await page.getByRole('heading', { name: 'Event history' }).waitFor();
});

test('empty fields are told before anything is sent', async () => {
  const page = await newPage();
  await page.goto(facts.admin);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Enter an access key ID').waitFor();
});

test('a session lasts through a reload, not in another tab, and ends when its key does not work any more', async () => {
  const page = await newPage();
  await signIn(page, facts.admin, facts.reader, '/trails');
  await page.getByRole('heading', { name: /^Trails/ }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: /^Trails/ }).waitFor();
  const other = await page.context().newPage();
  await other.goto(`${facts.admin}/trails`);
  await other.getByLabel('Access key ID').waitFor();
  await page.evaluate(() => {
    const kept = JSON.parse(sessionStorage.getItem('pugmark.session') ?? '{}') as object;
    sessionStorage.setItem('pugmark.session', JSON.stringify({ ...kept, secretAccessKey: 'rotated' }));
  });
  await page.reload();
  await page.getByText('The secret access key does not belong to this access key').waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test('nothing secret is in the address or in storage beyond the session', async () => {
  const page = await newPage();
  await signIn(page, facts.admin, facts);
  await page.getByRole('row').nth(3).click();
  await page.getByRole('tab', { name: 'JSON' }).click();
  await page.goto(`${facts.admin}/dashboard`);
  await page.getByRole('heading', { name: 'Pipeline' }).waitFor();
  const kept = await page.evaluate(() => ({
    local: JSON.stringify(localStorage),
    cookies: document.cookie,
    session: Object.keys(sessionStorage),
    href: location.href,
  }));
  expect(kept.session).toEqual(['pugmark.session']);
  for (const text of [kept.local, kept.cookies, kept.href]) {
    expect(text).not.toContain(facts.secretAccessKey);
    expect(text).not.toContain(facts.accessKeyId);
  }
  await page.getByRole('button', { name: /signed in with/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('Access key ID').waitFor();
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).toBe('{}');
});
