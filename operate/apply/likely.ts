/**
 * Selects the findings to report if the file's structure is wrong: one YAML error or one wrong indent makes much else look wrong
 * or missing, and a long list would hide the cause.
 */
import type { Source } from './document.ts';
import { pathText, type Finding, type Path } from './fault.ts';

/** Findings whose cause is at their own place, whatever comes later in the file. */
const atOwnPlace: ReadonlySet<string> = new Set([
  ...['unknown-name', 'unknown-value', 'unknown-key', 'two-rules', 'out-of-range', 'wrong-id', 'wrong-url'],
  ...['secret-in-file', 'missing-secret', 'weak-hook-secret', 'unknown-placeholder', 'type-not-available'],
]);

export function likelyFindings(findings: readonly Finding[], source: Source): readonly Finding[] {
  const told = source.isBroken
    ? findings.filter(({ code, path }) => atOwnPlace.has(code) && source.isBeforeBreak(path))
    : findings;
  return misplaced(told);
}

/** Reports a key once if it is unknown in one place and missing in another, because its indentation is wrong. */
function misplaced(findings: readonly Finding[]): readonly Finding[] {
  const missing = findings.flatMap((finding) => {
    const path = missingPath(finding);
    return path === null ? [] : [{ finding, path }];
  });
  const explained = new Set<Finding>();
  const told = findings.map((finding) => {
    if (finding.code !== 'unknown-key') return finding;
    const meant = missing.find(({ path }) => isSameKey(path, finding.path));
    if (meant === undefined) return finding;
    explained.add(meant.finding);
    return { ...finding, fix: `It belongs at ${pathText(meant.path)}: check its indentation.` };
  });
  return told.filter((finding) => !explained.has(finding));
}

function missingPath({ code, path }: Finding): Path | null {
  if (code === 'missing-key') return path;
  return code === 'no-escalation' ? path : null;
}

/** Says whether both are the same key of the same instance, profile or link. */
function isSameKey(a: Path, b: Path): boolean {
  return a.at(-1) === b.at(-1) && a[0] === b[0] && a[1] === b[1];
}
