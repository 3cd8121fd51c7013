import {
  CloudTrailClient,
  DeleteTrailCommand,
  GetTrailCommand,
  GetTrailStatusCommand,
  type GetTrailStatusCommandOutput,
} from '@aws-sdk/client-cloudtrail';
import type { Page } from 'playwright-core';
import { afterEach, expect, test } from 'vitest';

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

/** What the server keeps of a trail, asked by the SDK from outside the browser. */
const client = new CloudTrailClient({ endpoint: facts.api, region: 'us-east-1', credentials: facts });
const kept = async (Name: string) => (await client.send(new GetTrailCommand({ Name }))).Trail;
const statusOf = (Name: string) => client.send(new GetTrailStatusCommand({ Name }));
const goOn = (page: Page) => page.getByRole('button', { name: 'Next' }).click();
const { destinations } = facts;

// A Region has room for five trails.
afterEach(async () => {
  for (const Name of ['everyone', 'told', 'refused'])
    await client.send(new DeleteTrailCommand({ Name })).catch(() => undefined);
});

/** Fills in the first step, with a bucket that is created. */
async function begin(page: Page, name: string): Promise<void> {
  await page.getByLabel('Trail name').fill(name);
  await page.getByLabel('Bucket name').fill(`${name}-logs`);
}

async function finish(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Create trail' }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

test('a trail of the whole organization is created, with the policy that its bucket needs', async () => {
  const page = await signedIn('/trails/new');
  await begin(page, 'everyone');
  await page.getByLabel('All accounts of my organization').check();
  await goOn(page);
  await page.getByText("Enter the organization's ID").waitFor();
  await page.getByLabel('Organization ID').fill(destinations.organization);
  for (let step = 0; step < 3; step++) await goOn(page);
  await page.getByText('All of the organization').waitFor();
  await finish(page, 'everyone');
  await page.getByText('All of the organization').waitFor();
  expect(await kept('everyone')).toMatchObject({ IsOrganizationTrail: true, S3BucketName: 'everyone-logs' });
  await expect.poll(async () => (await statusOf('everyone')).LatestDeliveryTime, { timeout: 30_000 }).toBeDefined();
  await page.goto(`${facts.admin}/trails`);
  await page
    .getByRole('row', { name: /^everyone/ })
    .getByText('Organization')
    .waitFor();
  // It becomes a trail of one account again.
  await page.goto(`${facts.admin}/trails/everyone/edit`);
  await page.getByLabel('All accounts of my organization').uncheck();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Trail everyone is changed').waitFor();
  expect(await kept('everyone')).toMatchObject({ IsOrganizationTrail: false });
});

test('log files are encrypted with a KMS key, announced to a topic, and repeated to a log group', async () => {
  const page = await signedIn('/trails/new');
  await begin(page, 'told');
  await page.getByLabel('KMS key').fill(destinations.keyAlias);
  await goOn(page);
  await page.getByLabel('SNS topic').fill(destinations.topicName);
  await page.getByLabel('CloudWatch Logs group ARN').fill(destinations.logGroup);
  await goOn(page);
  await page.getByText('A log group needs a role').waitFor();
  await page.getByLabel('Role ARN').fill(destinations.logRole);
  await goOn(page);
  await goOn(page);
  await page.getByText(`SSE-KMS, ${destinations.keyAlias}`).waitFor();
  await finish(page, 'told');
  expect(await kept('told')).toMatchObject({
    KmsKeyId: destinations.key,
    SnsTopicARN: destinations.topic,
    CloudWatchLogsLogGroupArn: destinations.logGroup,
    CloudWatchLogsRoleArn: destinations.logRole,
  });
  // All of it works, as the server says and as the page tells it.
  const parts = [
    'LatestDeliveryTime',
    'LatestNotificationTime',
    'LatestCloudWatchLogsDeliveryTime',
  ] as const satisfies (keyof GetTrailStatusCommandOutput)[];
  await expect
    .poll(
      async () => {
        const status = await statusOf('told');
        return parts.filter((part) => status[part] === undefined);
      },
      { timeout: 30_000 },
    )
    .toEqual([]);
  await page.getByRole('button', { name: 'Load the trail again' }).click();
  for (const label of ['Last log file', 'Last notification', 'CloudWatch Logs']) {
    const value = page.locator('dt', { hasText: new RegExp(`^${label}$`) }).locator('xpath=following-sibling::dd[1]');
    await value.getByText(/ago \(/).waitFor();
  }
  for (const text of [`SSE-KMS, ${destinations.key}`, destinations.topic, destinations.logGroup]) {
    await page.getByText(text).waitFor();
  }

  await page.getByRole('button', { name: 'Edit' }).click();
  for (const label of ['KMS key', 'SNS topic', 'CloudWatch Logs group ARN', 'Role ARN']) {
    await page.getByLabel(label).fill('');
  }
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Trail told is changed').waitFor();
  const after = await kept('told');
  expect([after?.KmsKeyId, after?.SnsTopicARN, after?.CloudWatchLogsLogGroupArn, after?.CloudWatchLogsRoleArn]).toEqual(
    [undefined, undefined, undefined, undefined],
  );
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
  for (let step = 0; step < 3; step++) await page.getByRole('button', { name: 'Previous' }).click();
  // The picker offers the caller's buckets.
  await page.getByLabel('Bucket name').fill('audit');
  await page.getByRole('option', { name: 'audit-logs' }).click();
  for (let step = 0; step < 3; step++) await goOn(page);
  await finish(page, 'refused');
  expect(await kept('refused')).toMatchObject({ S3BucketName: 'audit-logs', IsMultiRegionTrail: true });
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
