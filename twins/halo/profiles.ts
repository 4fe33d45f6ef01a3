/**
 * How a desk answers where people who looked at live Halos saw different things. `usual` is what most of them saw;
 * `other` gives the other answer to each question at once, so that nothing comes to rely on one of the two.
 */

export interface Profile {
  readonly name: string;
  /** `/Agent` as a bare array or as `{results}`. */
  readonly agents: 'array' | 'results';
  /** What a POST of one element answers. */
  readonly posted: 'object' | 'array';
  /** Rows a page has at most. */
  readonly pageCap: number;
  /** Every page is of that size, whatever was asked for. */
  readonly fixedPage: boolean;
  /** Whether `record_count` counts all rows or only those of the page. */
  readonly countsAll: boolean;
  /** Whether `order=last_update` orders; else it is ignored as any unknown parameter is. */
  readonly ordersByChange: boolean;
  /** Whether `/Status?excludeclosed=true` leaves closed statuses out. */
  readonly excludesClosed: boolean;
  /** The status of an answer to a request beyond the granted scopes; the body is empty. */
  readonly missingScope: 401 | 403;
  /** Downloads as bytes, as JSON `{link}`, or (as in one tenant) pictures as bytes and all else as links. */
  readonly files: 'bytes' | 'link' | 'mixed';
  /** What follows an instant. */
  readonly zone: '' | 'Z';
  /** What an instant that never was is written as. */
  readonly never: '1899-12-30T00:00:00' | '1900-01-01T00:00:00';
  /** What `/Actions` without a ticket answers. */
  readonly withoutTicket: 400 | 500;
  /** Digits of a second's fraction. */
  readonly digits: 3 | 7;
  /** Values of a field with several options. */
  readonly options: 'objects' | 'scalars';
  /** A deleted ticket is shown with `deleted: true`, or is not found. */
  readonly deleted: 'shown' | 'absent';
  /** Notes written through the API get other markup, with the same text. */
  readonly cleansHtml: boolean;
  /** Whether the fields of a ticket type's form come in a group, or each by itself. */
  readonly groupsFields: boolean;
  /** Requests in rolling five minutes. */
  readonly requestLimit: 300 | 700;
  /** The filter by time of change; any other is ignored as an unknown parameter is. Only `lastupdatefromdate` was seen. */
  readonly changedBy: 'lastupdatefromdate' | 'last_update' | 'none';
  /** The column that `datesearch` takes for the time of creation; `dateoccurred` is what several clients send. */
  readonly loggedBy: 'dateoccured' | 'dateoccurred' | 'none';
  /** Whether an action keeps the `guid` that it is sent with; nobody has looked. */
  readonly keepsMarker: boolean;
  /** A second action with the `guid` of another one is refused. */
  readonly refusesDoubles: boolean;
  /** So long what was written through the API is not read; up to 1000 is at once. Milliseconds. */
  readonly noteDelayMs: number;
  /** Longer notes and larger files are refused, longer subjects cut; 0 for no limit. */
  readonly noteMaxBytes: number;
  readonly fileMaxBytes: number;
  readonly subjectMaxLength: number;
}

/** What nobody has seen a live Halo do otherwise. */
const unseen = {
  changedBy: 'lastupdatefromdate',
  loggedBy: 'dateoccured',
  keepsMarker: true,
  refusesDoubles: false,
  noteDelayMs: 0,
  noteMaxBytes: 0,
  fileMaxBytes: 0,
  subjectMaxLength: 0,
} as const;

const usual: Profile = {
  ...unseen,
  name: 'usual',
  agents: 'array',
  posted: 'object',
  pageCap: 100,
  fixedPage: false,
  countsAll: true,
  ordersByChange: true,
  excludesClosed: true,
  missingScope: 403,
  files: 'mixed',
  zone: '',
  never: '1899-12-30T00:00:00',
  withoutTicket: 400,
  digits: 3,
  options: 'objects',
  deleted: 'shown',
  cleansHtml: false,
  groupsFields: false,
  requestLimit: 300,
};

const other: Profile = {
  ...unseen,
  name: 'other',
  agents: 'results',
  posted: 'array',
  pageCap: 50,
  fixedPage: true,
  countsAll: false,
  ordersByChange: false,
  excludesClosed: false,
  missingScope: 401,
  files: 'link',
  zone: 'Z',
  never: '1900-01-01T00:00:00',
  withoutTicket: 500,
  digits: 7,
  options: 'scalars',
  deleted: 'absent',
  cleansHtml: true,
  groupsFields: true,
  requestLimit: 700,
};

export const profiles = { usual, other } as const;
export type ProfileName = keyof typeof profiles;

/** What may be said where a trait is one of several words or numbers. */
const said: Readonly<Partial<Record<keyof Profile, readonly (string | number)[]>>> = {
  agents: ['array', 'results'],
  posted: ['object', 'array'],
  missingScope: [401, 403],
  files: ['bytes', 'link', 'mixed'],
  zone: ['', 'Z'],
  digits: [3, 7],
  never: ['1899-12-30T00:00:00', '1900-01-01T00:00:00'],
  withoutTicket: [400, 500],
  options: ['objects', 'scalars'],
  deleted: ['shown', 'absent'],
  requestLimit: [300, 700],
  changedBy: ['lastupdatefromdate', 'last_update', 'none'],
  loggedBy: ['dateoccured', 'dateoccurred', 'none'],
};

/**
 * A desk that answers as a report of `ferry check` says that a live one does; what the report leaves open, or says in a
 * way that a twin does not know, is `usual`.
 * @param facts of the report
 */
export function profileOf(name: string, facts: Readonly<Record<string, string | number | boolean>>): Profile {
  const known = Object.entries(facts).filter(([key, value]) => {
    if (key === 'name' || !Object.hasOwn(usual, key)) return false;
    const trait = key as keyof Profile;
    return typeof value === typeof usual[trait] && (said[trait]?.includes(value as string | number) ?? true);
  });
  return { ...usual, ...(Object.fromEntries(known) as Partial<Profile>), name };
}

/** @param text what `ferry check INSTANCE --report` printed; throws where it is nothing of the kind, or not of a Halo */
export function profileOfReport(name: string, text: string): Profile {
  const report = JSON.parse(text) as { readonly type?: unknown; readonly facts?: unknown } | null;
  if (report?.type !== 'halo') throw new Error('it is not of a Halo');
  if (typeof report.facts !== 'object' || report.facts === null) throw new Error('it has no facts');
  return profileOf(name, report.facts as Readonly<Record<string, string | number | boolean>>);
}
