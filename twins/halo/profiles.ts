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
  /** Digits of a second's fraction. */
  readonly digits: 3 | 7;
  /** Values of a field with several options. */
  readonly options: 'objects' | 'scalars';
  /** A deleted ticket is shown with `deleted: true`, or is not found. */
  readonly deleted: 'shown' | 'absent';
  /** Notes written through the API get other markup, with the same text. */
  readonly cleansHtml: boolean;
  /** Requests in rolling five minutes. */
  readonly requestLimit: 300 | 700;
}

const usual: Profile = {
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
  digits: 3,
  options: 'objects',
  deleted: 'shown',
  cleansHtml: false,
  requestLimit: 300,
};

const other: Profile = {
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
  digits: 7,
  options: 'scalars',
  deleted: 'absent',
  cleansHtml: true,
  requestLimit: 700,
};

export const profiles = { usual, other } as const;
export type ProfileName = keyof typeof profiles;

/**
 * A desk that answers as a report of `ferry check` says that a live one does; what the report leaves open is `usual`.
 * @param facts of the report
 */
export function profileOf(name: string, facts: Readonly<Record<string, string | number | boolean>>): Profile {
  const known = Object.entries(facts).filter(
    ([key, value]) => key in usual && typeof value === typeof usual[key as keyof Profile],
  );
  return { ...usual, ...(Object.fromEntries(known) as Partial<Profile>), name };
}
