import { expect, test } from 'vitest';

import { facts, newPage, signedIn, withBrowser } from './browser';
import { signIn } from './harness.mjs';

withBrowser();

test('trails are listed with their status, in plain words', async () => {
  const page = await signedIn('/trails');
  const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name}`) });
  await row('main').getByText('Logging').waitFor();
  await row('main')
    .getByText(/Proven until/)
    .waitFor();
  await row('archive').getByText('Off').first().waitFor();
  await row('archive').getByText('Not proven').waitFor();
  await row('broken').getByText('NoSuchBucket').waitFor();
  await page.getByRole('link', { name: 'broken' }).click();
  await page.getByText('The bucket does not exist any more').first().waitFor();
});

test('a trail is created with its bucket, changed, stopped, started and deleted', async () => {
  const page = await signedIn('/trails');
  await page.getByRole('button', { name: 'Create trail' }).first().click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Use 3 to 128 letters').waitFor();
  await page.getByLabel('Trail name').fill('from-the-console');
  await page.getByLabel('Bucket name').fill('console-logs');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Add tag' }).click();
  await page.getByLabel('Key of tag 1').fill('made-by');
  await page.getByLabel('Value of tag 1').fill('console');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('radio', { name: /Advanced/ }).click();
  await page.getByRole('button', { name: 'Add selector' }).click();
  await page.getByRole('menuitem', { name: /Management events without KMS/ }).click();
  await page.getByRole('button', { name: 'Add selector' }).click();
  await page.getByRole('menuitem', { name: /S3 deletions/ }).click();
  await page.getByRole('checkbox', { name: /API error rate/ }).check();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('console-logs (is created)').waitFor();
  await page.getByText('made-by=console').waitFor();
  await page.getByRole('button', { name: 'Create trail' }).click();

  await page.getByRole('heading', { name: 'from-the-console', level: 1 }).waitFor();
  await page.getByText(/On since/).waitFor();
  await page.getByText('S3 deletions').waitFor();
  await page.getByText('API error rate').waitFor();
  await page.getByText('made-by=console').waitFor();

  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Key prefix').fill('moved');
  await page.getByText('Put the right policy into the bucket').click();
  await page.getByRole('radio', { name: /Basic/ }).click();
  await page.getByRole('button', { name: 'Add data events' }).click();
  await page.getByLabel('Value of tag 1').fill('a person');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Trail from-the-console is changed').waitFor();
  await page.getByText('moved', { exact: true }).waitFor();
  await page.getByText('Data events of AWS::S3::Object').waitFor();
  await page.getByText('made-by=a person').waitFor();

  await page.getByRole('button', { name: 'Stop logging' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop logging' }).click();
  await page.getByText(/Off since/).waitFor();
  await page.getByRole('button', { name: 'Start logging' }).click();
  await page.getByText(/On since/).waitFor();

  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog');
  const remove = dialog.getByRole('button', { name: 'Delete', exact: true });
  expect(await remove.isDisabled()).toBe(true);
  await dialog.getByRole('textbox').fill('from-the-console');
  await remove.click();
  await page.getByText('from-the-console is deleted').waitFor();
  await page.getByRole('row', { name: /^main/ }).waitFor();
  expect(await page.getByRole('row', { name: /^from-the-console/ }).count()).toBe(0);
});

test('what the server refuses is told where it is, and can be mended', async () => {
  const page = await signedIn('/trails/new');
  await page.getByLabel('Trail name').fill('refused');
  await page.getByRole('radio', { name: /Use a bucket that is there/ }).click();
  await page.getByLabel('Bucket name').fill('no-such-bucket-anywhere');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Create trail' }).click();
  await page.getByText('It failed to create the trail').waitFor();
  await page.getByText(/S3BucketDoesNotExistException|NoSuchBucket/).waitFor();
});

test('a key that can only read is told what it may not do', async () => {
  const page = await newPage();
  await signIn(page, facts.admin, facts.reader, '/trails/archive');
  await page.getByRole('button', { name: 'Start logging' }).click();
  await page.getByText('Your key does not allow this').waitFor();
  await page.getByText(/cloudtrail:StartLogging/).waitFor();
});

test('a trail that is not there says so', async () => {
  const page = await signedIn('/trails/nothing-here');
  await page.getByText(/Unknown trail/).waitFor();
  await page.getByRole('link', { name: /All trails/ }).click();
  await page.getByRole('row', { name: /^main/ }).waitFor();
});

test('another Region has its own trails, and sees those of all Regions', async () => {
  const page = await signedIn('/trails');
  await page.getByRole('row', { name: /^archive/ }).waitFor();
  await page.getByRole('button', { name: 'Region: us-east-1' }).click();
  await page.getByRole('menuitem', { name: 'eu-north-1' }).click();
  await expect.poll(() => page.getByRole('row', { name: /^archive/ }).count()).toBe(0);
  await page.getByRole('row', { name: /^main/ }).getByRole('link').click();
  await page.getByText(/On since/).waitFor();
});
