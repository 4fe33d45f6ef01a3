/**
 * How a desk answers where people who examined live Halos saw different behaviour. `usual` is what most of them saw;
 * `other` has the opposite answer to each question, so that nothing comes to rely on one of the two.
 */

export interface Profile {
  readonly name: string;
  /** Whether `/Agent` answers a bare array or `{results}`. */
  readonly agents: 'array' | 'results';
  /** What a POST of one element answers with. */
  readonly posted: 'object' | 'array';
  /** The largest number of rows on a page. */
  readonly pageCap: number;
  /** Every page has that size, whatever was requested. */
  readonly fixedPage: boolean;
  /** Whether `record_count` counts all rows or only those on the page. */
  readonly countsAll: boolean;
  /** Whether `order=last_update` has an effect. If not, it is ignored like any unknown parameter. */
  readonly ordersByChange: boolean;
  /** Whether `/Status?excludeclosed=true` leaves out closed statuses. */
  readonly excludesClosed: boolean;
  /** The status for a request beyond the granted scopes; the body is empty. */
  readonly missingScope: 401 | 403;
  /** Downloads as bytes, as JSON `{link}`, or (as in one tenant) pictures as bytes and all else as links. */
  readonly files: 'bytes' | 'link' | 'mixed';
  /** The suffix of an instant. */
  readonly zone: '' | 'Z';
  /** The text for an instant that never occurred. */
  readonly never: '1899-12-30T00:00:00' | '1900-01-01T00:00:00';
  /** What `/Actions` without a ticket answers. */
  readonly withoutTicket: 400 | 500;
  /** The number of digits in a second's fraction. */
  readonly digits: 3 | 7;
  /** The form of the values of a field with several options. */
  readonly options: 'objects' | 'scalars';
  /** Whether a deleted ticket is shown with `deleted: true` or is not found. */
  readonly deleted: 'shown' | 'absent';
  /** Whether notes written through the API get other markup, with the same text. */
  readonly cleansHtml: boolean;
  /** Whether the fields of a ticket type's form are grouped or listed one by one. */
  readonly groupsFields: boolean;
  /** Requests allowed within a rolling window of five minutes. */
  readonly requestLimit: 300 | 700;
  /**
   * The filter by time of change. Any other is ignored like an unknown parameter. Only `lastupdatefromdate` has been
   * seen.
   */
  readonly changedBy: 'lastupdatefromdate' | 'last_update' | 'none';
  /** The column that `datesearch` uses for the time of creation; several clients send `dateoccurred`. */
  readonly loggedBy: 'dateoccured' | 'dateoccurred' | 'none';
  /** Whether an action keeps the `guid` that it is sent with. Nobody has checked. */
  readonly keepsMarker: boolean;
  /** Whether a second action with the `guid` of another one is refused. */
  readonly refusesDoubles: boolean;
  /** How long readers do not see what was written through the API, in milliseconds. Up to 1000, they see it at once. */
  readonly noteDelayMs: number;
  /** Longer notes and larger files are refused, and longer subjects are cut; 0 means no limit. */
  readonly noteMaxBytes: number;
  readonly fileMaxBytes: number;
  readonly subjectMaxLength: number;
}

/** Traits that nobody has seen differ on a live Halo. */
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

/** The possible values of traits that are one of several words or numbers. */
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
 * Builds a profile that answers as a report of `ferry check` says a live desk does. Traits that the report leaves open,
 * or states in a way that a twin does not know, are `usual`.
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

/**
 * Reads a profile from a report.
 * @param text what `ferry check INSTANCE --report` printed; throws if it is anything else, or is not about a Halo
 */
export function profileOfReport(name: string, text: string): Profile {
  const report = JSON.parse(text) as { readonly type?: unknown; readonly facts?: unknown } | null;
  if (report?.type !== 'halo') throw new Error('it is not about a Halo');
  if (typeof report.facts !== 'object' || report.facts === null) throw new Error('it has no facts');
  return profileOf(name, report.facts as Readonly<Record<string, string | number | boolean>>);
}
