/** Reads the version of this Ferry from its package.json, in a checkout or in a published package. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let known: string | undefined;

/** `0.0.0` if there is no package.json of ours. */
export function ferryVersion(): string {
  known ??= find(import.meta.dirname);
  return known;
}

function find(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: unknown;
        version?: unknown;
      };
      if (manifest.name === 'ticket-ferry' && typeof manifest.version === 'string') return manifest.version;
    } catch {
      // This folder has no manifest of ours; look further up.
    }
    if (dirname(folder) === folder) return '0.0.0';
  }
}
