// Runs `ferry start` with substitutes for Ferry's own programs, so that its tests test nothing else. argv[2]: options
// of startStandalone as JSON.
import { fileURLToPath } from 'node:url';

import { startStandalone } from '#standalone/start.ts';
import type { StartOptions } from '#standalone/start.ts';

const server = fileURLToPath(new URL('./server.ts', import.meta.url));
const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
const options = JSON.parse(process.argv[2] ?? '{}') as StartOptions;
process.exitCode = await startStandalone({
  programs: { gateway: server, worker, twin: server },
  seed: async () => ({
    details: { seeded: true },
    curl: { escalate: 'curl escalate', show: 'curl show' },
  }),
  ...options,
});
