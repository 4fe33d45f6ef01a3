/**
 * Reads secrets from the places that the file names, and trims them: files and templates add white space, and no helpdesk
 * issues secrets with it. Messages name the place, never the secret.
 */
import type { Finding, Path } from './fault.ts';
import type { SecretPlace } from './schema.ts';
import type { ApplyDeps } from './types.ts';

export type Fetched = { readonly secret: string } | { readonly finding: Finding };

const maxLength = 64 * 1024;

export async function fetchSecret(
  place: SecretPlace,
  path: Path,
  deps: Pick<ApplyDeps, 'env' | 'readSecretFile'>,
): Promise<Fetched> {
  if ('env' in place) {
    const secret = deps.env[place.env]?.trim();
    if (secret !== undefined && secret !== '') return usable(secret, [...path, 'env']);
    return {
      finding: {
        code: 'missing-secret',
        path: [...path, 'env'],
        message: `The environment variable ${place.env} is ${secret === '' ? 'empty' : 'not set'}.`,
        fix: `Set it where ferry runs: ${place.env}=… ferry apply …`,
      },
    };
  }
  try {
    const secret = (await deps.readSecretFile(place.file)).trim();
    if (secret !== '') return usable(secret, [...path, 'file']);
    return missingFile(place.file, [...path, 'file'], 'is empty');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return missingFile(place.file, [...path, 'file'], `can't be read (${code})`);
  }
}

function usable(secret: string, path: Path): Fetched {
  const wrong = whyUnusable(secret);
  if (wrong === null) return { secret };
  return {
    finding: {
      code: 'wrong-value',
      path,
      message: `The value there can't be a secret: it ${wrong}.`,
      fix: 'Check that the file names the right place, and that it contains only the secret.',
    },
  };
}

/** Accepts several lines only in PEM keys and JSON accounts; any other file with several lines contains more than the secret. */
function whyUnusable(secret: string): string | null {
  if (secret.length > maxLength) return 'is too long';
  const hasLines = secret.startsWith('-----BEGIN ') || secret.startsWith('{');
  // eslint-disable-next-line no-control-regex -- they are what this is about
  const stray = hasLines ? /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/ : /[\u0000-\u001f\u007f]/;
  if (!stray.test(secret)) return null;
  return /[\r\n]/.test(secret) && !hasLines ? 'holds a line break' : 'holds a control character';
}

function missingFile(file: string, path: Path, what: string): Fetched {
  return {
    finding: {
      code: 'missing-secret',
      path,
      message: `The file ${file} ${what}.`,
      fix: 'Write the secret into it, or name another file; relative names start at the links file.',
    },
  };
}

/** Requires a webhook secret that nobody can guess and that needs no escaping in a URL's path. */
export function hookSecretFinding(secret: string, path: Path): Finding | null {
  if (/^[\w.~-]{16,200}$/.test(secret)) return null;
  return {
    code: 'weak-hook-secret',
    path,
    message: 'The webhook secret is shorter than 16 characters or contains characters that a URL would escape.',
    fix: 'Use letters and digits, for instance: openssl rand -hex 32',
  };
}
