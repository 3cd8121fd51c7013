/** Creating and changing a trail: several calls, each of which may fail. */
import {
  AddTagsCommand,
  CreateTrailCommand,
  PutEventSelectorsCommand,
  PutInsightSelectorsCommand,
  RemoveTagsCommand,
  StartLoggingCommand,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail';

import { cloudTrail } from '../../api/cloudtrail';
import { createBucket, getBucketPolicy, putBucketPolicy } from '../../api/s3';
import type { Session } from '../../shell/session';
import {
  type TrailForm,
  USUAL_SELECTORS,
  bucketPolicy,
  createInput,
  insightsInput,
  selectorsInput,
  updateInput,
} from './form';

/** What was done, up to a failure. */
export interface Saved {
  arn: string | undefined;
  /** The step that failed, and why; those after it were not tried. */
  failed: { step: string; error: unknown } | undefined;
}

type Step = [string, () => Promise<void>];

async function run(steps: Step[]): Promise<Saved['failed']> {
  for (const [step, act] of steps) {
    try {
      await act();
    } catch (error) {
      return { step, error };
    }
  }
  return undefined;
}

async function putPolicy(session: Session, form: TrailForm, arn: string, account: string): Promise<void> {
  const bucket = form.bucket.trim();
  const existing = form.isNewBucket ? undefined : await getBucketPolicy(session, bucket);
  await putBucketPolicy(session, bucket, bucketPolicy(form, arn, account, existing));
}

export async function createTrail(session: Session, form: TrailForm, account: string): Promise<Saved> {
  const client = cloudTrail(session);
  const planned = `arn:aws:cloudtrail:${session.region}:${account}:trail/${form.name.trim()}`;
  let arn: string | undefined;
  const steps: Step[] = [];
  if (form.isNewBucket) steps.push(['create the bucket', () => createBucket(session, form.bucket.trim())]);
  if (form.putsPolicy) steps.push(["put the bucket's policy", () => putPolicy(session, form, planned, account)]);
  steps.push([
    'create the trail',
    async () => {
      arn = (await client.send(new CreateTrailCommand(createInput(form)))).TrailARN;
    },
  ]);
  const TrailName = () => arn ?? form.name.trim();
  if (JSON.stringify(form.selectors) !== JSON.stringify(USUAL_SELECTORS)) {
    steps.push([
      'choose its events',
      async () => {
        await client.send(new PutEventSelectorsCommand({ TrailName: TrailName(), ...selectorsInput(form.selectors) }));
      },
    ]);
  }
  if (form.callRate || form.errorRate) {
    steps.push([
      'switch Insights on',
      async () => {
        const input = { TrailName: TrailName(), InsightSelectors: insightsInput(form) };
        await client.send(new PutInsightSelectorsCommand(input));
      },
    ]);
  }
  if (form.startsLogging) {
    steps.push([
      'start logging',
      async () => {
        await client.send(new StartLoggingCommand({ Name: TrailName() }));
      },
    ]);
  }
  const failed = await run(steps);
  return { arn, failed };
}

/** Changes what differs between the two forms. */
export async function changeTrail(
  session: Session,
  before: TrailForm,
  form: TrailForm,
  trail: { arn: string; home: string },
): Promise<Saved> {
  const client = cloudTrail(session, trail.home);
  const account = trail.arn.split(':')[4] ?? '';
  const steps: Step[] = [];
  if (form.putsPolicy) steps.push(["put the bucket's policy", () => putPolicy(session, form, trail.arn, account)]);
  const update = updateInput(before, form, trail.arn);
  if (update !== undefined) {
    steps.push([
      'change its settings',
      async () => {
        await client.send(new UpdateTrailCommand(update));
      },
    ]);
  }
  if (JSON.stringify(form.selectors) !== JSON.stringify(before.selectors) && form.selectors.kind !== 'kept') {
    steps.push([
      'choose its events',
      async () => {
        await client.send(new PutEventSelectorsCommand({ TrailName: trail.arn, ...selectorsInput(form.selectors) }));
      },
    ]);
  }
  if (form.callRate !== before.callRate || form.errorRate !== before.errorRate) {
    steps.push([
      'change Insights',
      async () => {
        const input = { TrailName: trail.arn, InsightSelectors: insightsInput(form) };
        await client.send(new PutInsightSelectorsCommand(input));
      },
    ]);
  }
  const tags = tagChanges(before.tags, form.tags);
  if (tags.removed.length > 0) {
    const TagsList = tags.removed.map(({ key }) => ({ Key: key }));
    steps.push([
      'remove tags',
      async () => {
        await client.send(new RemoveTagsCommand({ ResourceId: trail.arn, TagsList }));
      },
    ]);
  }
  if (tags.put.length > 0) {
    const TagsList = tags.put.map(({ key, value }) => ({ Key: key, Value: value }));
    steps.push([
      'add tags',
      async () => {
        await client.send(new AddTagsCommand({ ResourceId: trail.arn, TagsList }));
      },
    ]);
  }
  return { arn: trail.arn, failed: await run(steps) };
}

function tagChanges(before: TrailForm['tags'], after: TrailForm['tags']) {
  const has = (tags: TrailForm['tags'], key: string, value?: string) =>
    tags.some((tag) => tag.key === key && (value === undefined || tag.value === value));
  return {
    removed: before.filter(({ key }) => !has(after, key)),
    put: after.filter(({ key, value }) => !has(before, key, value)),
  };
}
