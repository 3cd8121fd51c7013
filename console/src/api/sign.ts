/** Signed calls to the API listener: what any AWS client does, in the browser. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';

import type { Session } from '../shell/session';
import { ApiProblem, problemOfAnswer } from './errors';

export interface Signed {
  service: string;
  method: string;
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
}

/** Signs with Signature Version 4 and sends; the answer may still be an error. */
export async function send(session: Session, request: Signed): Promise<Response> {
  const endpoint = new URL(session.endpoint);
  const signer = new SignatureV4({
    service: request.service,
    region: session.region,
    credentials: {
      accessKeyId: session.accessKeyId,
      secretAccessKey: session.secretAccessKey,
      ...(session.sessionToken ? { sessionToken: session.sessionToken } : {}),
    },
    // The browser's own SHA-256 is there on https and localhost only.
    sha256: Sha256,
    uriEscapePath: request.service !== 's3',
  });
  const unsigned = new HttpRequest({
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port ? { port: Number(endpoint.port) } : {}),
    method: request.method,
    path: request.path,
    query: request.query ?? {},
    headers: { host: endpoint.host, ...request.headers },
    body: request.body,
  });
  const signed = await signer.sign(unsigned);
  // Browsers set the host themselves, to the same.
  const headers = Object.fromEntries(Object.entries(signed.headers).filter(([name]) => name !== 'host'));
  const query = new URLSearchParams(request.query).toString();
  const url = `${endpoint.origin}${request.path}${query ? `?${query}` : ''}`;
  try {
    return await fetch(url, {
      method: request.method,
      headers,
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: request.signal ?? null,
      credentials: 'omit',
      cache: 'no-store',
    });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new ApiProblem('NetworkError', `The API at ${endpoint.origin} could not be reached from this browser.`, 0);
  }
}

/** Calls an operation of CloudTrail's JSON protocol. */
export async function callJson<Output>(
  session: Session,
  operation: string,
  input: object,
  signal?: AbortSignal,
): Promise<Output> {
  const answer = await sendJson(session, operation, input, signal);
  return (await answer.json()) as Output;
}

/** The same, for an answer that is a stream. */
export async function sendJson(
  session: Session,
  operation: string,
  input: object,
  signal?: AbortSignal,
): Promise<Response> {
  const answer = await send(session, {
    service: 'cloudtrail',
    method: 'POST',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.${operation}`,
    },
    body: JSON.stringify(input),
    signal,
  });
  if (!answer.ok) throw await problemOfAnswer(answer);
  return answer;
}
