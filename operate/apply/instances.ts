/** Checks the instances of a links file and fetches their secrets. */
import type { z } from 'zod';
import type { InstanceType } from '#core/words/vocabulary.ts';
import type { Finding, Path } from './fault.ts';
import { suggestion } from '#core/words/nearest.ts';
import { findingsOf } from './issues.ts';
import { repair } from './repair.ts';
import { instanceSchemaOf, urlSchema } from './schema.ts';
import type { SecretPlace } from './schema.ts';
import { fetchSecret, hookSecretFinding } from './secrets.ts';
import type { ApplyDeps, TypeRules, WantedInstance } from './types.ts';

export type CheckedInstance = {
  /** Null if the file says too little about it. */
  readonly wanted: WantedInstance | null;
  /** Whether all its credentials are known, so that its helpdesk can be asked. */
  readonly isReachable: boolean;
  readonly findings: readonly Finding[];
};

/** Checks an instance. @param storedType type of an instance that already exists */
export async function checkInstance(
  id: string,
  raw: unknown,
  storedType: InstanceType | undefined,
  deps: ApplyDeps,
): Promise<CheckedInstance> {
  const path: Path = ['instances', id];
  // The whole schema reports missing keys; check the rest anyway.
  const lenientSchema = instanceSchemaOf(deps.types).partial({ type: true, name: true, url: true });
  const kept = repair(lenientSchema, raw);
  if (kept === null) return { wanted: null, isReachable: false, findings: [] };
  const instance = lenientSchema.parse(kept.value);
  const { type, name: displayName } = instance;
  const address = instance.url === undefined ? null : urlOf(instance.url, path, deps.env);
  const findings: Finding[] = [...(address?.findings ?? [])];
  if (storedType !== undefined && type !== undefined && storedType !== type)
    findings.push({
      code: 'type-fixed',
      path: [...path, 'type'],
      message: `${id} has the type ${storedType}, and the type of an instance can't change.`,
      fix: 'Use a different id for the other helpdesk.',
    });

  const rules = type === undefined ? null : deps.rulesOf(type);
  if (type !== undefined && rules === null)
    findings.push({
      code: 'type-not-available',
      path: [...path, 'type'],
      message: `This version of Ferry has no connector for "${type}".`,
      fix: "Files can't create it: pair with another gateway (ferry link invite), or add an API client (ferry client add).",
    });
  // Report a wrong value as wrong, not as missing.
  const named = Object.keys(mapIn(raw, 'credentials'));
  if (rules !== null) findings.push(...ruleFindings(rules, named, instance.options, path));

  const credentials: Record<string, string> = {};
  for (const [name, place] of Object.entries(instance.credentials)) {
    const at = [...path, 'credentials', name];
    const found = await fetchSecret(place, at, deps);
    const finding = 'secret' in found ? valueFinding(rules, name, found.secret, at) : found.finding;
    if (finding !== null) findings.push(finding);
    else if ('secret' in found) credentials[name] = found.secret;
  }
  const hook = await fetchHookSecret(instance.hookSecret, [...path, 'hookSecret'], deps);
  findings.push(...hook.findings);

  if (type === undefined || displayName === undefined || address === null)
    return { wanted: null, isReachable: false, findings };
  const { options } = instance;
  return {
    wanted: { id, type, name: displayName, url: address.url, options, credentials, hookSecret: hook.secret },
    isReachable:
      rules !== null &&
      address.findings.length === 0 &&
      requiredOf(rules).every((name) => credentials[name] !== undefined),
    findings,
  };
}

async function fetchHookSecret(
  place: SecretPlace | undefined,
  path: Path,
  deps: ApplyDeps,
): Promise<{ readonly secret: string | null; readonly findings: readonly Finding[] }> {
  if (place === undefined) return { secret: null, findings: [] };
  const found = await fetchSecret(place, path, deps);
  if (!('secret' in found)) return { secret: null, findings: [found.finding] };
  const weak = hookSecretFinding(found.secret, path);
  return { secret: found.secret, findings: weak === null ? [] : [weak] };
}

function urlOf(
  given: z.output<typeof urlSchema>,
  under: Path,
  env: ApplyDeps['env'],
): { readonly url: string; readonly findings: readonly Finding[] } {
  const path = [...under, 'url'];
  const url = (typeof given === 'string' ? given : (env[given.env] ?? '')).trim();
  const wrong = (message: string, fix: string) => ({ url, findings: [{ code: 'wrong-url', path, message, fix }] });
  if (typeof given !== 'string' && !urlSchema.safeParse(url).success)
    return wrong(
      `The environment variable ${given.env} ${url === '' ? 'is not set' : 'holds no http or https URL'}.`,
      `Set it where ferry runs: ${given.env}=https://desk.example.com`,
    );
  // The URL parser drops line breaks and converts backslashes, so two readers could understand different addresses.
  // eslint-disable-next-line no-control-regex -- they are what this is about
  if (/[\s\\\u0000-\u001f\u007f]/.test(url) || !/^https?:\/\//i.test(url))
    return wrong(
      'The URL contains a space, a line break or a backslash.',
      'Write it as a browser shows it: https://desk.example.com',
    );
  const { username, password, search, hash } = new URL(url);
  if (username === '' && password === '' && search === '' && hash === '') return { url, findings: [] };
  return wrong(
    'The URL contains a user, a password, a query or a fragment.',
    'Write only the address, and put credentials under credentials.',
  );
}

function ruleFindings(
  rules: TypeRules,
  named: readonly string[],
  options: Readonly<Record<string, unknown>>,
  path: Path,
): Finding[] {
  const { shape } = rules.credentials;
  const known = Object.keys(shape);
  return [
    ...named
      .filter((name) => !known.includes(name))
      .map((name) => ({
        code: 'unknown-key',
        path: [...path, 'credentials', name],
        at: 'key' as const,
        message: 'This type of helpdesk has no such credential.',
        fix: suggestion(name, known),
      })),
    ...requiredOf(rules)
      .filter((name) => !named.includes(name))
      .map((name) => ({
        code: 'missing-key',
        path: [...path, 'credentials', name],
        message: `The credential "${name}" is missing.`,
        fix: `Add ${name}: {env: VARIABLE} or {file: path}.`,
      })),
    ...findingsOf(rules.options.strict(), options, [...path, 'options']),
  ];
}

function requiredOf(rules: TypeRules | null): string[] {
  return Object.entries(rules?.credentials.shape ?? {}).flatMap(([name, schema]) =>
    (schema as z.ZodType).safeParse(undefined).success ? [] : [name],
  );
}

/** Applies the connector's rule for one of its credentials, without revealing the value. */
function valueFinding(rules: TypeRules | null, name: string, secret: string, path: Path): Finding | null {
  const schema = rules?.credentials.shape[name] as z.ZodType | undefined;
  if (schema === undefined || schema.safeParse(secret).success) return null;
  return {
    code: 'wrong-value',
    path,
    message: `The value can't be used as "${name}".`,
    fix: 'Check that the file names the right place, and what it contains.',
  };
}

function mapIn(raw: unknown, key: string): Record<string, unknown> {
  if (typeof raw !== 'object' || raw === null) return {};
  const inner = (raw as Record<string, unknown>)[key];
  return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
}
