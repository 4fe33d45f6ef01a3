/** Custom fields: which there are, and their values in Ferry's form and in RT's. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { FieldType, FieldValue } from '#core/words/vocabulary.ts';
import type { RtClient } from './client.ts';
import { query } from './client.ts';
import { dateOf, instantOf, instantOfDatabase, localTime } from './time.ts';
import { fieldDefinitionSchema } from './wire.ts';

export type RtField = {
  readonly id: string;
  readonly name: string;
  readonly type: FieldType;
  /** RT's own type is Select: there are options to ask for. */
  readonly select: boolean;
  readonly multiple: boolean;
};

export type RtFields = {
  /** Fields of tickets, by id; asked again when an unknown id appears and after some minutes. */
  all(signal: AbortSignal): Promise<ReadonlyMap<string, RtField>>;
  byIds(ids: Iterable<string>, signal: AbortSignal): Promise<ReadonlyMap<string, RtField>>;
  byNames(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, RtField>>;
};

const freshMs = 300_000;
/** An id that stays unknown must not cause a request each time. */
const againMs = 15_000;

const types: Readonly<Record<string, FieldType>> = {
  Select: 'option',
  Date: 'date',
  DateTime: 'datetime',
  HTML: 'html',
  Freeform: 'text',
  Text: 'text',
  Wikitext: 'text',
  Combobox: 'text',
  Autocomplete: 'text',
  IPAddress: 'text',
  IPAddressRange: 'text',
};

export function createFields(client: RtClient, now: () => number): RtFields {
  let known: ReadonlyMap<string, RtField> = new Map();
  let readAt = Number.NEGATIVE_INFINITY;

  async function load(signal: AbortSignal, olderThanMs: number): Promise<ReadonlyMap<string, RtField>> {
    if (now() - readAt < olderThanMs) return known;
    const loaded = new Map<string, RtField>();
    for (let last = '0'; ;) {
      const rows = await client.search(
        `/customfields${query({ fields: 'Name,Type,MaxValues,Disabled', per_page: 100, orderby: 'id' })}`,
        [
          { field: 'LookupType', value: 'RT::Queue-RT::Ticket' },
          { field: 'id', operator: '>', value: last },
        ],
        fieldDefinitionSchema,
        { what: 'list its custom fields', write: false, about: 'instance' },
        signal,
      );
      for (const row of rows) {
        const type = types[row.Type];
        if (type === undefined || row.Disabled === '1') continue;
        const multiple = row.MaxValues !== '1';
        const select = row.Type === 'Select';
        loaded.set(row.id, {
          id: row.id,
          name: row.Name,
          type: multiple && (select || type === 'text') ? 'options' : type,
          select,
          multiple,
        });
      }
      last = rows.at(-1)?.id ?? last;
      if (rows.length < 100) break;
    }
    known = loaded;
    readAt = now();
    return known;
  }

  return {
    all: (signal) => load(signal, freshMs),
    async byIds(ids, signal) {
      const fresh = await load(signal, freshMs);
      return [...ids].every((id) => fresh.has(id)) ? fresh : load(signal, againMs);
    },
    async byNames(names, signal) {
      let byName = named(await load(signal, freshMs));
      if (!names.every((name) => byName.has(name.toLowerCase()))) byName = named(await load(signal, againMs));
      return byName;
    },
  };
}

/** RT does not care about case in the names of fields. */
function named(fields: ReadonlyMap<string, RtField>): ReadonlyMap<string, RtField> {
  return new Map([...fields.values()].map((field) => [field.name.toLowerCase(), field]));
}

/** One value as a ticket or a history shows it; null for none. */
export function readValue(raw: string, field: RtField): string | null {
  if (raw === '') return null;
  if (field.type === 'date') return raw.startsWith('1970-01-01') ? null : (dateOf(raw.slice(0, 10)) ?? raw);
  if (field.type === 'datetime') return instantOfDatabase(raw);
  return raw;
}

/** All values of a field of a ticket. */
export function readValues(raw: readonly unknown[], field: RtField): FieldValue {
  const values = raw
    .filter((value): value is string | number => typeof value === 'string' || typeof value === 'number')
    .map((value) => readValue(String(value), field))
    .filter((value) => value !== null);
  if (field.multiple) return values.length === 0 ? null : [...new Set(values)];
  return values.at(-1) ?? null;
}

/**
 * A value as RT is to be sent it. RT would take a date it can't read for "not set", so it never gets one.
 * @param timezone the service user's in RT; null when nobody knows it
 * @throws HelpdeskError refused
 */
export function writeValue(
  value: FieldValue,
  field: RtField,
  timezone: string | null,
): string | null | readonly string[] {
  const list = value === null || value === '' ? [] : typeof value === 'object' ? value : [String(value)];
  const sent = [...new Set(list.map((one) => writeOne(one, field, timezone)))];
  if (field.multiple) return sent;
  if (sent.length > 1) {
    throw new HelpdeskError(
      'refused',
      'too-many-values',
      `RT's field "${field.name}" takes one value, not ${sent.length}.`,
    );
  }
  return sent[0] ?? null;
}

function writeOne(value: string, field: RtField, timezone: string | null): string {
  if (field.type === 'date') {
    const day = dateOf(value);
    if (day !== null) return day;
    throw new HelpdeskError(
      'refused',
      'not-a-date',
      `"${value}" is no date (YYYY-MM-DD) for RT's field "${field.name}".`,
    );
  }
  if (field.type === 'datetime') {
    const instant = instantOf(value);
    if (instant === null) {
      throw new HelpdeskError('refused', 'not-an-instant', `"${value}" is no time for RT's field "${field.name}".`);
    }
    if (timezone === null) {
      throw new HelpdeskError(
        'refused',
        'setup-incomplete',
        `RT does not tell the service user's time zone, so "${field.name}" can't be written. Set it to UTC in RT (setup.pl does), or name it in the options.`,
      );
    }
    return localTime(instant, timezone);
  }
  return value;
}

/** One form for what may be an instant, since RT keeps seconds and others milliseconds; for fingerprints and comparing. */
export function comparable(value: FieldValue): FieldValue {
  if (value === null || value === '') return null;
  if (typeof value === 'object') return value.length === 0 ? null : value;
  const text = String(value);
  return /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? (instantOf(text) ?? text) : text;
}
