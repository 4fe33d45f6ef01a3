// A pair of settings and catalogues as the pages of findings write them: the pair of docs/findings/README.md, and what differs.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { lintLink, type Finding, type LintInput } from '#core/lint/lint.ts';
import { sideSchema } from '#core/rules/settings.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';

const findings = path.join(import.meta.dirname, '../../../docs/findings');

export function page(code: string): string {
  return readFileSync(path.join(findings, `${code}.md`), 'utf8');
}

/** Fenced YAML below each heading of the second level, by the heading. */
export function examplesOf(text: string): ReadonlyMap<string, unknown> {
  return new Map(
    text
      .split(/^## /m)
      .slice(1)
      .flatMap((part) => {
        const yaml = /^```yaml\n([\s\S]*?)^```$/m.exec(part)?.[1];
        return yaml === undefined ? [] : [[part.slice(0, part.indexOf('\n')), parse(yaml) as unknown] as const];
      }),
  );
}

const pair = examplesOf(page('README')).get('The pair that the examples change');

/** @param change joined with the pair: lists are replaced whole, null takes a key away */
export function inputOf(change: unknown = {}): LintInput {
  const { customer, supplier, catalogues } = joined(pair, change) as {
    readonly customer: unknown;
    readonly supplier: unknown;
    readonly catalogues: { readonly customer: Catalogue; readonly supplier: Catalogue };
  };
  return {
    customer: sideSchema.parse(customer),
    supplier: sideSchema.parse(supplier),
    customerCatalogue: catalogues.customer,
    supplierCatalogue: catalogues.supplier,
    names: { customer: 'Acme', supplier: 'Northwind' },
  };
}

export function lintPair(change: unknown = {}): readonly Finding[] {
  return lintLink(inputOf(change));
}

function joined(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete merged[key];
    else merged[key] = key === 'escalates' ? value : joined(merged[key], value);
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
