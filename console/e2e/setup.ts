import type { TestProject } from 'vitest/node';

import { type Facts, startServer } from './harness.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    facts: Facts;
  }
}

/** One server for all files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer();
  project.provide('facts', server.facts);
  return server.stop;
}
