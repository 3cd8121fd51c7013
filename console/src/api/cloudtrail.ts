/** CloudTrail's own operations, through AWS's SDK. */
import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetInsightSelectorsCommand,
  GetTrailCommand,
  GetTrailStatusCommand,
  type GetTrailStatusCommandOutput,
  ListTagsCommand,
  type Tag,
  type Trail,
} from '@aws-sdk/client-cloudtrail';

import type { Session } from '../shell/session';

const clients = new WeakMap<Session, Map<string, CloudTrailClient>>();

/** The client of a session, in its Region or another: a trail is changed in its home Region. */
export function cloudTrail(session: Session, region = session.region): CloudTrailClient {
  const known = clients.get(session) ?? new Map<string, CloudTrailClient>();
  clients.set(session, known);
  const client =
    known.get(region) ??
    new CloudTrailClient({
      endpoint: session.endpoint,
      region,
      credentials: {
        accessKeyId: session.accessKeyId,
        secretAccessKey: session.secretAccessKey,
        ...(session.sessionToken ? { sessionToken: session.sessionToken } : {}),
      },
      maxAttempts: 2,
    });
  known.set(region, client);
  return client;
}

export type TrailStatus = Omit<GetTrailStatusCommandOutput, '$metadata'>;

export interface KnownTrail {
  trail: Trail;
  /** Undefined if it could not be asked for; the reason is in `problem`. */
  status: TrailStatus | undefined;
  problem: unknown;
}

/** The trails that are seen in the session's Region, with their status. */
export async function listTrails(session: Session, abortSignal: AbortSignal): Promise<KnownTrail[]> {
  const client = cloudTrail(session);
  const { trailList } = await client.send(new DescribeTrailsCommand({}), { abortSignal });
  return Promise.all(
    (trailList ?? []).map(async (trail) => {
      try {
        const status = await client.send(new GetTrailStatusCommand({ Name: trail.TrailARN }), { abortSignal });
        return { trail, status, problem: undefined };
      } catch (problem) {
        if (abortSignal.aborted) throw problem;
        return { trail, status: undefined, problem };
      }
    }),
  );
}

/** Everything about one trail. */
export interface WholeTrail {
  trail: Trail & { Name: string; TrailARN: string; HomeRegion: string };
  status: TrailStatus;
  selectors: Pick<Awaited<ReturnType<typeof getSelectors>>, 'EventSelectors' | 'AdvancedEventSelectors'>;
  insights: string[];
  tags: Tag[];
}

function getSelectors(client: CloudTrailClient, TrailName: string, abortSignal: AbortSignal) {
  return client.send(new GetEventSelectorsCommand({ TrailName }), { abortSignal });
}

/** A trail by its name in the session's Region, or by its ARN. */
export async function getTrail(session: Session, name: string, abortSignal: AbortSignal): Promise<WholeTrail> {
  const { Trail: trail } = await cloudTrail(session).send(new GetTrailCommand({ Name: name }), { abortSignal });
  const arn = trail?.TrailARN ?? name;
  const home = trail?.HomeRegion ?? session.region;
  const client = cloudTrail(session, home);
  const [status, selectors, insights, tags] = await Promise.all([
    client.send(new GetTrailStatusCommand({ Name: arn }), { abortSignal }),
    getSelectors(client, arn, abortSignal),
    insightTypes(client, arn, abortSignal),
    client.send(new ListTagsCommand({ ResourceIdList: [arn] }), { abortSignal }),
  ]);
  return {
    trail: { ...trail, Name: trail?.Name ?? name, TrailARN: arn, HomeRegion: home },
    status,
    selectors,
    insights,
    tags: tags.ResourceTagList?.[0]?.TagsList ?? [],
  };
}

async function insightTypes(client: CloudTrailClient, TrailName: string, abortSignal: AbortSignal): Promise<string[]> {
  try {
    const { InsightSelectors } = await client.send(new GetInsightSelectorsCommand({ TrailName }), { abortSignal });
    return (InsightSelectors ?? []).flatMap(({ InsightType }) => InsightType ?? []);
  } catch (error) {
    if (error instanceof Error && error.name === 'InsightNotEnabledException') return [];
    throw error;
  }
}

/** Seconds since the epoch, as the console's other times are. */
export function seconds(date: Date | undefined): number | undefined {
  return date === undefined ? undefined : date.getTime() / 1000;
}
