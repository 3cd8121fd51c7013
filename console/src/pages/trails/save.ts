/** Creating and changing a trail: several calls, each of which may fail. */
import {
  AddTagsCommand,
  type CloudTrailClient,
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
  NEW_TRAIL,
  type TrailForm,
  bucketPolicy,
  createInput,
  insightsInput,
  selectorsInput,
  tagsInput,
  updateInput,
} from './form';

/** What was done, up to a failure. */
export interface Saved {
  arn: string | undefined;
  /** The step that failed, and why; those after it were not tried. */
  failed: { step: string; error: unknown } | undefined;
}

type Step = [string, () => Promise<unknown>];

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

/** Steps for what is chosen apart from the trail's own settings: its events, and Insights. */
function choose(client: CloudTrailClient, before: TrailForm, form: TrailForm, TrailName: string): Step[] {
  const steps: Step[] = [];
  if (JSON.stringify(form.selectors) !== JSON.stringify(before.selectors) && form.selectors.kind !== 'kept') {
    const input = { TrailName, ...selectorsInput(form.selectors) };
    steps.push(['choose its events', () => client.send(new PutEventSelectorsCommand(input))]);
  }
  if (form.callRate !== before.callRate || form.errorRate !== before.errorRate) {
    const input = { TrailName, InsightSelectors: insightsInput(form) };
    steps.push(['change Insights', () => client.send(new PutInsightSelectorsCommand(input))]);
  }
  return steps;
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
  const failed = await run(steps);
  if (arn === undefined || failed !== undefined) return { arn, failed };
  // By its ARN: a delegated administrator's trail is the management account's.
  const Name = arn;
  const choices = choose(client, NEW_TRAIL, form, Name);
  if (form.startsLogging) choices.push(['start logging', () => client.send(new StartLoggingCommand({ Name }))]);
  return { arn, failed: await run(choices) };
}

/** Changes what differs between the two forms. */
export async function changeTrail(
  session: Session,
  before: TrailForm,
  form: TrailForm,
  trail: { arn: string; home: string },
): Promise<Saved> {
  const { arn } = trail;
  const client = cloudTrail(session, trail.home);
  const account = arn.split(':')[4] ?? '';
  const steps: Step[] = [];
  if (form.putsPolicy) steps.push(["put the bucket's policy", () => putPolicy(session, form, arn, account)]);
  const update = updateInput(before, form, arn);
  if (update !== undefined) steps.push(['change its settings', () => client.send(new UpdateTrailCommand(update))]);
  steps.push(...choose(client, before, form, arn));
  const tags = tagChanges(before.tags, form.tags);
  if (tags.removed.length > 0) {
    const input = { ResourceId: arn, TagsList: tags.removed.map(({ key }) => ({ Key: key })) };
    steps.push(['remove tags', () => client.send(new RemoveTagsCommand(input))]);
  }
  if (tags.put.length > 0) {
    const input = { ResourceId: arn, TagsList: tagsInput(tags.put) };
    steps.push(['add tags', () => client.send(new AddTagsCommand(input))]);
  }
  return { arn, failed: await run(steps) };
}

function tagChanges(before: TrailForm['tags'], after: TrailForm['tags']) {
  const has = (tags: TrailForm['tags'], key: string, value?: string) =>
    tags.some((tag) => tag.key === key && (value === undefined || tag.value === value));
  return {
    removed: before.filter(({ key }) => !has(after, key)),
    put: after.filter(({ key, value }) => !has(before, key, value)),
  };
}
