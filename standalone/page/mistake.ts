/** The small mapping editor: one row of the customer's inbound actions, saved through the same check as `ferry apply`. */
import { stringify } from 'yaml';

import { applyLinks } from '#operate/apply/apply.ts';
import type { CatalogueKind } from '#core/words/vocabulary.ts';
import type { Client } from '#db/base/client.ts';
import { latestCatalogues, loadFederation } from '#db/settings/settings.ts';
import type { StoredFederation } from '#db/settings/settings.ts';
import { visitor, withDesks } from '#standalone/demo/operator.ts';

export type EditorRow = { readonly from: string; readonly to: string; readonly mails: boolean };

export type Editor = {
  /** The rules in force: what Acme makes of the actions that arrive from Northwind. */
  readonly rows: readonly EditorRow[];
  /** The action kinds of the far desk and of this desk. */
  readonly from: readonly CatalogueKind[];
  readonly to: readonly CatalogueKind[];
  readonly version: number;
};

export type SaveResult =
  | { readonly outcome: 'refused'; readonly faults: readonly { code: string; message: string; fix: string }[] }
  | { readonly outcome: 'saved' | 'unchanged' | 'overtaken' };

export type MistakeSeen = {
  /** The result of the last save. */
  readonly last: { readonly row: EditorRow; readonly result: SaveResult } | null;
  /** The settings' version, unchanged, when a row that answers mail with mail was refused. */
  readonly refusedAt: number | null;
};

export const noMistake: MistakeSeen = { last: null, refusedAt: null };

export type Settings = {
  readonly db: Client;
  /** base64, 32 bytes. */
  readonly secretKey: string;
};

const side = 'customer';

/** Null until the link exists. */
export async function loadEditor(db: Client, link: string): Promise<Editor | null> {
  const federation = await loadFederation(db);
  const [customer, supplier] = [federation.sides.get(`${link}/customer`), federation.sides.get(`${link}/supplier`)];
  if (customer === undefined || supplier === undefined) return null;
  const known = await latestCatalogues(db, [customer.instance, supplier.instance]);
  return {
    rows: customer.settings.inbound.actions.map(({ from, to, mailsUser }) => ({ from, to, mails: mailsUser })),
    from: known.get(supplier.instance)?.catalogue.kinds ?? [],
    to: known.get(customer.instance)?.catalogue.kinds ?? [],
    version: customer.version,
  };
}

/** Adds the row, or replaces the row for the same action. Saves everything or nothing. */
export async function saveRow({ db, secretKey }: Settings, link: string, row: EditorRow): Promise<SaveResult> {
  const file = fileWith(await loadFederation(db), link, row);
  const result = await withDesks(db, visitor, secretKey, (operator) => applyLinks(operator, file, noSecrets));
  if (result.outcome === 'wrong')
    return {
      outcome: 'refused',
      faults: result.faults.map(({ code, message, fix }) => ({ code, message, fix })),
    };
  return {
    outcome: result.outcome === 'applied' ? 'saved' : result.outcome === 'overtaken' ? 'overtaken' : 'unchanged',
  };
}

/** A row of the rules names no secret. */
const noSecrets = {
  env: {},
  readSecretFile: () => Promise.reject(new Error('no files are read here')),
};

/** Writes the stored link, with that one row changed, as a links file. */
function fileWith(federation: StoredFederation, link: string, row: EditorRow): string {
  const sideOf = (name: 'customer' | 'supplier'): Record<string, unknown> => {
    const stored = federation.sides.get(`${link}/${name}`);
    if (stored === undefined) throw new Error(`the link ${link} has no ${name}`);
    const own = stored.own ?? stored.settings;
    return { instance: stored.instance, ...(stored.profile === null ? {} : { extends: stored.profile }), ...own };
  };
  const customer = sideOf(side);
  const inbound = (customer['inbound'] ?? {}) as { readonly actions?: readonly { readonly from: string }[] };
  const wanted = { from: row.from, to: row.to, ...(row.mails ? { audience: 'user', mailsUser: true } : {}) };
  const actions = inbound.actions ?? [];
  const at = actions.findIndex(({ from }) => from === row.from);
  const changed = at === -1 ? [...actions, wanted] : actions.with(at, wanted);
  return stringify({
    links: {
      [link]: {
        ...federation.links.get(link),
        customer: { ...customer, inbound: { ...inbound, actions: changed } },
        supplier: sideOf('supplier'),
      },
    },
  });
}
