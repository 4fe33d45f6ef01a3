/** What an RT offers. One request for queues, one for fields, and one for each field with options. */
import type { Catalogue, CatalogueField, CatalogueKind } from '#core/words/vocabulary.ts';
import { query } from './client.ts';
import type { RtField } from './fields.ts';
import { isCategory } from './history.ts';
import type { Reader } from './ask.ts';
import { fieldSchema, pageOf, queueSchema } from './wire.ts';

/** Types of transactions as the kinds that mappings name; the first three carry notes. */
const kinds: readonly CatalogueKind[] = [
  // By RT's own scrips it mails the requestors; with setup.pl's only where a mapping row says so.
  { name: 'Correspond', hidden: false, mails: true, sends: 'none', status: null },
  { name: 'Comment', hidden: true, mails: false, sends: 'none', status: null },
  { name: 'Create', hidden: false, mails: false, sends: 'none', status: null },
  { name: 'Status', hidden: false, mails: false, sends: 'none', status: null, bare: true },
  { name: 'CustomField', hidden: false, mails: false, sends: 'none', status: null, bare: true },
  { name: 'Set', hidden: false, mails: false, sends: 'none', status: null, bare: true },
];

export async function catalogueOf(reader: Reader, signal: AbortSignal): Promise<Catalogue> {
  const purpose = { what: 'list its queues', write: false, about: 'instance' } as const;
  const { value: queues } = await reader.client.get(
    `/queues/all${query({ fields: 'Name,Disabled', per_page: 100, orderby: 'Name' })}`,
    pageOf(queueSchema),
    purpose,
    signal,
  );
  const known = await reader.fields.all(signal);
  const fields: CatalogueField[] = [];
  let categories: readonly string[] = [];
  for (const field of known.values()) {
    const options = field.select ? await optionsOf(reader, field, signal) : undefined;
    if (isCategory(field, reader.options)) categories = options ?? [];
    else fields.push({ name: field.name, type: field.type, ...(options === undefined ? {} : { options }) });
  }
  const { fileMaxBytes: mostBytes } = reader.options;
  const only = reader.options.queues?.map((name) => name.toLowerCase());
  return {
    statuses: reader.options.statuses,
    categories,
    types: [],
    priorities: Object.keys(reader.options.priorities),
    fields,
    kinds,
    accounts: queues.items
      .filter((queue) => queue.Disabled !== '1' && (only?.includes(queue.Name.toLowerCase()) ?? true))
      .map((queue) => queue.Name),
    teams: [],
    ...(mostBytes === undefined ? {} : { files: { taken: true, maxBytes: mostBytes } }),
  };
}

async function optionsOf(reader: Reader, field: RtField, signal: AbortSignal): Promise<readonly string[]> {
  const { value } = await reader.client.get(
    `/customfield/${field.id}`,
    fieldSchema,
    { what: `list the options of "${field.name}"`, write: false, about: 'instance' },
    signal,
  );
  return value.Values.map((option) => (typeof option === 'string' ? option : option.name));
}
