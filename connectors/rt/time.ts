/**
 * Times as RT writes and reads them. REST2 gives instants in UTC, but histories hold bare database times (UTC), and what
 * is sent is taken to be in the zone of the user who sends it, whatever zone it names.
 */

/** `2026-11-21 10:00:00`, as the database and histories have it, to an instant; null for RT's "not set". */
export function instantOfDatabase(text: string): string | null {
  const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d))?/.exec(text);
  if (match === null || text.startsWith('1970-01-01')) return null;
  return `${match[1]}T${match[2] ?? '00:00:00'}.000Z`;
}

/** An instant to the second, as RT keeps it; null when the text is none. */
export function instantOf(text: string): string | null {
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) return null;
  return `${new Date(time).toISOString().slice(0, 19)}.000Z`;
}

/** A day that exists, or null. */
export function dateOf(text: string): string | null {
  const day = /^(\d{4}-\d\d-\d\d)$/.exec(text)?.[1];
  if (day === undefined) return null;
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day) ? day : null;
}

/** For conditions on times: the database's own form, in UTC. */
export function databaseTime(instant: string): string {
  return new Date(instant).toISOString().slice(0, 19).replace('T', ' ');
}

/** What a clock in that zone shows at the instant: `2026-11-21 05:00:00`. */
export function localTime(instant: string, timezone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(new Date(instant));
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`;
}
