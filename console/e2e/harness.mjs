// Starts a real server with real calls in it, and a real browser.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { chromium } from 'playwright-core';

const root = new URL('../..', import.meta.url).pathname;

/**
 * @typedef {{ accessKeyId: string, secretAccessKey: string, sessionToken?: string }} Key
 * @typedef {{ organization: string, key: string, keyAlias: string, topic: string, topicName: string, logGroup: string, logRole: string }} Destinations
 * @typedef {{ admin: string, api: string }} Server
 * @typedef {Key & Server & { upstream: string, account: string, reader: Key, temporary: Key, upstreams: Key, destinations: Destinations, damaged: Server }} Facts
 * What conformance/console_server.py tells of the server that it started; the key is root's.
 */

/**
 * @param {string[]} flags
 * @returns {Promise<{ facts: Facts, stop: () => Promise<void> }>}
 */
export async function startServer(...flags) {
  const own = `${root}.venv/bin/python`;
  const python = process.env.PYTHON ?? (existsSync(own) ? own : 'python3');
  const child = spawn(python, ['console_server.py', ...flags], {
    cwd: `${root}conformance`,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const first = await lines.next();
  if (first.done) throw new Error('console_server.py ended before its server was ready');
  return {
    facts: JSON.parse(first.value),
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

export function launch() {
  const found = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((it) =>
    existsSync(it),
  );
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? found,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}

/**
 * Signs in at the form.
 * @param {import('playwright-core').Page} page
 * @param {string} admin
 * @param {Key} key
 */
export async function signIn(page, admin, key, path = '/') {
  await page.goto(`${admin}${path}`);
  await page.getByLabel('Access key ID').fill(key.accessKeyId);
  await page.getByLabel('Secret access key').fill(key.secretAccessKey);
  if (key.sessionToken !== undefined) await page.getByLabel('Session token').fill(key.sessionToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/**
 * Makes a call that changes something, as any client would.
 * @param {Facts} facts
 * @param {string} queue
 */
export async function createQueue(facts, queue) {
  const url = new URL(facts.api);
  const signer = new SignatureV4({
    service: 'sqs',
    region: 'us-east-1',
    credentials: { accessKeyId: facts.accessKeyId, secretAccessKey: facts.secretAccessKey },
    sha256: Sha256,
  });
  const { headers, body } = await signer.sign(
    new HttpRequest({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: '/',
      headers: {
        host: url.host,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AmazonSQS.CreateQueue',
      },
      body: JSON.stringify({ QueueName: queue }),
    }),
  );
  const answer = await fetch(facts.api, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`CreateQueue: ${answer.status} ${await answer.text()}`);
}
