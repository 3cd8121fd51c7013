/** What the trail wizard needs of S3: the caller's buckets, a new bucket, its policy. */
import type { Session } from '../shell/session';
import { problemOfAnswer } from './errors';
import { send } from './sign';

/** Names of the caller's buckets. */
export async function listBuckets(session: Session, signal?: AbortSignal): Promise<string[]> {
  const answer = await send(session, { service: 's3', method: 'GET', path: '/', signal });
  if (!answer.ok) throw await problemOfAnswer(answer);
  const document = new DOMParser().parseFromString(await answer.text(), 'text/xml');
  const names = [...document.getElementsByTagName('Bucket')].map(
    (bucket) => bucket.getElementsByTagName('Name')[0]?.textContent ?? '',
  );
  return names.filter((name) => name !== '').sort();
}

export async function createBucket(session: Session, name: string): Promise<void> {
  const body =
    session.region === 'us-east-1'
      ? ''
      : `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${session.region}</LocationConstraint></CreateBucketConfiguration>`;
  const answer = await send(session, { service: 's3', method: 'PUT', path: `/${name}`, body });
  if (!answer.ok) throw await problemOfAnswer(answer);
}

export async function putBucketPolicy(session: Session, name: string, policy: object): Promise<void> {
  const answer = await send(session, {
    service: 's3',
    method: 'PUT',
    path: `/${name}`,
    query: { policy: '' },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(policy),
  });
  if (!answer.ok) throw await problemOfAnswer(answer);
}

/** The policy in this bucket, or undefined if there is none. */
export async function getBucketPolicy(
  session: Session,
  name: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const answer = await send(session, {
    service: 's3',
    method: 'GET',
    path: `/${name}`,
    query: { policy: '' },
    signal,
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw await problemOfAnswer(answer);
  return answer.text();
}
