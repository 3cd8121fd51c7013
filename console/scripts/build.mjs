// Builds dist/ for the binary: every file that compresses gets its .br and .gz copy, which is what is embedded.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { build } from 'vite';

const dist = new URL('../dist/', import.meta.url).pathname;

for (const name of readdirSync(dist)) {
  if (name !== '.gitignore') rmSync(join(dist, name), { recursive: true });
}
await build({ logLevel: 'warn' });

let plain = 0;
let compressed = 0;
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (!/\.(html|js|css|svg|json)$/.test(name) || !statSync(path).isFile()) continue;
  const bytes = readFileSync(path);
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  plain += bytes.length;
  compressed += brotli.length;
}
console.log(`dist: ${Math.round(plain / 1024)} KB, ${Math.round(compressed / 1024)} KB compressed`);
