// How long the console takes over many events, in headless Chromium: `make bench-console`, or
// `node bench/console.mjs` with EVENTS=1000000 (how many), ROUNDS=10, DATA_DIR=… (kept, and used again if it has events),
// PUGMARK=… (another binary), DIST=console/dist (pages from this folder in place of those that the binary holds).
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { launch, signIn } from '../console/e2e/harness.mjs';

const root = new URL('..', import.meta.url).pathname;
const target = process.env.CARGO_TARGET_DIR ?? `${root}target`;
const events = Number(process.env.EVENTS ?? 1_000_000);
const rounds = Number(process.env.ROUNDS ?? 10);
const data = process.env.DATA_DIR ?? mkdtempSync(join(tmpdir(), 'pugmark-bench-console-'));
const key = {
  accessKeyId: 'AKIABENCHBENCHBENCHB',
  secretAccessKey: 'bench/bench/bench/bench/bench/bench/benc',
};
const pugmark = resolve(process.env.PUGMARK ?? `${target}/release/pugmark`);
const dist = process.env.DIST === undefined ? undefined : resolve(process.env.DIST);

const port = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const [apiPort, adminPort, pagePort] = [await port(), await port(), await port()];
const [api, admin] = [`http://127.0.0.1:${apiPort}`, `http://127.0.0.1:${adminPort}`];
const site = dist === undefined ? admin : `http://127.0.0.1:${pagePort}`;
const environment = {
  ...process.env,
  PUGMARK_ROOT_ACCESS_KEY_ID: key.accessKeyId,
  PUGMARK_ROOT_SECRET_ACCESS_KEY: key.secretAccessKey,
  AWS_ENDPOINT_URL: api,
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: key.accessKeyId,
  AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
};

function run(command, ...parameters) {
  const done = spawnSync(command, parameters, {
    env: environment,
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (done.status !== 0) throw new Error(`${command} ${parameters.join(' ')} failed`);
}

/** The accounts of the first events: the server gets them as its organization, so that one key sees all. */
async function accountsOf(file) {
  const found = new Set();
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    found.add(JSON.parse(line).recipientAccountId);
    if (++count >= 100_000) break;
  }
  return [...found];
}

mkdirSync(data, { recursive: true });
const settings = join(data, 'pugmark.toml');
if (!existsSync(settings)) {
  console.log(`making ${events} events`);
  const file = join(data, 'events.ndjson');
  const generator = join(dirname(pugmark), 'pugmark-generator');
  const cargo = [
    'cargo',
    'run',
    ...(pugmark.includes('/release/') ? ['--release'] : []),
    '-q',
    '-p',
    'pugmark-generator',
    '--',
  ];
  run(...(existsSync(generator) ? [generator] : cargo), '--events', String(events), '--ndjson', file);
  run(pugmark, 'import', file, '--data-dir', join(data, 'data'));
  const [first, ...others] = await accountsOf(file);
  const members = JSON.stringify(others);
  writeFileSync(settings, `account_id = "${first}"\n\n[organization]\nid = "o-benchbench"\nmembers = ${members}\n`);
}
const own = join(data, 'serve.toml');
writeFileSync(own, `${readFileSync(settings, 'utf8')}\n[console]\norigins = ["${site}"]\n`);
const server = spawn(
  pugmark,
  [
    'serve',
    '--config',
    own,
    '--data-dir',
    join(data, 'data'),
    '--listen',
    `127.0.0.1:${apiPort}`,
    '--admin-listen',
    `127.0.0.1:${adminPort}`,
  ],
  { env: environment, cwd: data, stdio: ['ignore', 'ignore', 'inherit'] },
);

/** Serves the pages of `dist` as the binary does. */
function servePages() {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
  return createHttpServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', site);
    if (pathname.startsWith('/-/')) {
      fetch(admin + pathname).then(async (answer) => response.end(await answer.text()));
      return;
    }
    const path = join(dist, existsSync(join(dist, pathname)) && pathname !== '/' ? pathname : 'index.html');
    const isCompressed = existsSync(`${path}.br`);
    response.writeHead(200, {
      'content-type': types[extname(path)] ?? 'font/woff2',
      'cache-control': pathname.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(isCompressed ? { 'content-encoding': 'br' } : {}),
    });
    response.end(readFileSync(isCompressed ? `${path}.br` : path));
  }).listen(pagePort, '127.0.0.1');
}
const pages = dist === undefined ? undefined : servePages();

async function ready() {
  for (let attempt = 0; attempt < 600; attempt++) {
    try {
      if ((await fetch(`${admin}/-/ready`)).ok) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server is not ready after a minute');
}

const percentile = (times, of) =>
  [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * of))];
const figures = [];
function tell(name, times, goal) {
  const median = percentile(times, 0.5);
  figures.push([name, `${median.toFixed(0)} ms`, `${percentile(times, 0.95).toFixed(0)} ms`, goal]);
}

/** Milliseconds from `act` until `isDone` holds in the page, seen at each change of it. */
async function time(page, act, isDone, parameter) {
  await page.evaluate(
    ([source, parameter]) => {
      const isDone = new Function(`return (${source})`)();
      window.measured = new Promise((resolve) => {
        let begun;
        const begin = (event) => {
          if (event.type === 'click' || event.key === 'Enter') begun ??= event.timeStamp;
        };
        window.addEventListener('click', begin, true);
        window.addEventListener('keydown', begin, true);
        const look = () => {
          if (begun === undefined || !isDone(parameter)) return;
          observer.disconnect();
          // When the rows are painted, not when they are in the tree.
          requestAnimationFrame(() => resolve(performance.now() - begun));
        };
        const observer = new MutationObserver(look);
        observer.observe(document.documentElement, {
          subtree: true,
          childList: true,
          characterData: true,
        });
      });
    },
    [String(isDone), parameter],
  );
  await act();
  return page.evaluate(() => window.measured);
}

/** Counts what Lighthouse counts, from the page's first moment on. */
function watchVitals() {
  const vitals = { paint: 0, largest: 0, shift: 0, blocked: 0 };
  const watch = (type, add) =>
    new PerformanceObserver((list) => list.getEntries().forEach(add)).observe({ type, buffered: true });
  watch('paint', ({ name, startTime }) => {
    if (name === 'first-contentful-paint') vitals.paint = startTime;
  });
  watch('largest-contentful-paint', ({ startTime }) => (vitals.largest = startTime));
  watch('layout-shift', ({ hadRecentInput, value }) => (vitals.shift += hadRecentInput ? 0 : value));
  watch('longtask', ({ duration }) => (vitals.blocked += duration - 50));
  window.vitals = vitals;
}

try {
  await ready();
  const browser = await launch();
  const hasRows = () => document.querySelectorAll('[aria-label="Events"] tbody a').length > 0;
  const rowsAre = ([column, value]) => {
    const table = document.querySelector('[aria-label="Events"]');
    const index = [...(table?.querySelectorAll('thead th') ?? [])].findIndex((head) =>
      head.textContent.startsWith(column),
    );
    const cells = [...(table?.querySelectorAll('tbody tr') ?? [])].map((row) => row.children[index]?.textContent ?? '');
    return cells.length > 0 && cells.every((cell) => cell === value);
  };

  let scripts = 0;
  let styles = 0;
  const first = [];
  const vitals = { form: [], history: [] };
  for (let round = 0; round < rounds; round++) {
    const page = await (
      await browser.newContext({
        viewport: { width: 1280, height: 900 },
        bypassCSP: true,
      })
    ).newPage();
    await page.addInitScript(watchVitals);
    const sizes = { Script: 0, Stylesheet: 0 };
    const session = await page.context().newCDPSession(page);
    const kinds = new Map();
    await session.send('Network.enable');
    session.on('Network.responseReceived', ({ requestId, type }) => kinds.set(requestId, type));
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const kind = kinds.get(requestId);
      if (kind in sizes) sizes[kind] += encodedDataLength;
    });
    await page.goto(`${site}/events`);
    await page.waitForLoadState('networkidle');
    vitals.form.push(await page.evaluate(() => window.vitals));
    await page.getByLabel('Access key ID').fill(key.accessKeyId);
    await page.getByLabel('Secret access key').fill(key.secretAccessKey);
    await page.waitForLoadState('networkidle');
    first.push(await time(page, () => page.getByRole('button', { name: 'Sign in' }).click(), hasRows));
    await page.waitForLoadState('networkidle');
    [scripts, styles] = [sizes.Script, sizes.Stylesheet];
    // Again in the session, with the files that the browser has kept.
    await page.reload();
    await page.waitForFunction(hasRows);
    await page.waitForLoadState('networkidle');
    vitals.history.push(await page.evaluate(() => window.vitals));
    await page.context().close();
  }
  tell('first rows after sign-in (last day)', first, '500 ms');
  for (const [where, found] of [
    ['sign-in form', vitals.form],
    ['event history, loaded again', vitals.history],
  ]) {
    // Lighthouse calls this good.
    tell(
      `first contentful paint (${where})`,
      found.map(({ paint }) => paint),
      '1,800 ms',
    );
    tell(
      `largest contentful paint (${where})`,
      found.map(({ largest }) => largest),
      '2,500 ms',
    );
    tell(
      `total blocking time (${where})`,
      found.map(({ blocked }) => blocked),
      '200 ms',
    );
    const shift = Math.max(...found.map(({ shift }) => shift));
    figures.push([`cumulative layout shift (${where})`, shift.toFixed(3), '', '0.1']);
  }

  for (const [label, path] of [
    ['last day', '/events?f='],
    ['90 days', '/events?f=&range=90d'],
  ]) {
    const page = await (
      await browser.newContext({
        viewport: { width: 1280, height: 900 },
        bypassCSP: true,
      })
    ).newPage();
    await signIn(page, site, key, path);
    await page.waitForFunction(hasRows);
    const box = page.getByLabel('Filter events');
    // A value that the rows have, so that each round finds some.
    const names = await page.locator('[aria-label="Events"] tbody a').allInnerTexts();
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const name = names[round % names.length];
      await page.waitForLoadState('networkidle');
      await box.fill(`EventName=${name}`);
      times.push(await time(page, () => box.press('Enter'), rowsAre, ['Event name', name]));
      await page.waitForLoadState('networkidle');
      await page.getByRole('button', { name: 'Clear filters' }).click();
    }
    tell(`filter change (${label})`, times, '200 ms');
    await page.context().close();
  }
  await browser.close();
  console.log('\n| | median | 95% | goal |\n| --- | --- | --- | --- |');
  for (const row of figures) console.log(`| ${row.join(' | ')} |`);
  console.log(`| scripts of the first page, compressed | ${(scripts / 1024).toFixed(0)} KB | | 600 KB |`);
  console.log(`| styles of the first page, compressed | ${(styles / 1024).toFixed(0)} KB | | |`);
} finally {
  server.kill('SIGTERM');
  pages?.close();
}
