import { createHash } from 'node:crypto';

import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// In development, `npm run dev` asks a running server for its address; start that one with
// `[console] origins = ["http://localhost:5173"]`.
const admin = process.env.PUGMARK_ADMIN ?? 'http://127.0.0.1:4581';

/** Fonts that Cloudscape's styles hold as `data:` URLs become files: the first page need not wait for them. */
function fontFiles(): Plugin {
  return {
    name: 'font-files',
    apply: 'build',
    generateBundle(_, bundle) {
      for (const asset of Object.values(bundle)) {
        if (asset.type !== 'asset' || !asset.fileName.endsWith('.css')) continue;
        const css = typeof asset.source === 'string' ? asset.source : Buffer.from(asset.source).toString();
        asset.source = css.replace(/data:font\/woff2;base64,([A-Za-z0-9+/=]+)/g, (_, base64: string) => {
          const source = Buffer.from(base64, 'base64');
          const name = `open-sans-${createHash('sha256').update(source).digest('hex').slice(0, 10)}.woff2`;
          this.emitFile({ type: 'asset', fileName: `assets/${name}`, source });
          return name;
        });
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), fontFiles()],
  build: {
    target: 'es2022',
    // dist/ itself is in the repository (crates/server/build.rs); scripts/build.mjs empties it.
    emptyOutDir: false,
    // Inlined files would be `data:` URLs, which the content security policy does not let fonts be.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/-/': admin } },
  test: { include: ['src/**/*.test.ts'] },
});
