/** Halo writes instants in UTC without saying so, and dates as instants at midnight. */

/** ISO 8601 in UTC. `1900-01-01` and the like are Halo's "never": null, as is what is no time, or beyond the year 9999. */
export function instantOf(text: string | null | undefined): string | null {
  if (text === null || text === undefined || text === '') return null;
  const zoned = text.length > 10 && /(?:[zZ]|[+-]\d\d:?\d\d)$/.test(text);
  const ms = Date.parse(zoned ? text : text.length <= 10 ? `${text}T00:00:00Z` : `${text}Z`);
  if (Number.isNaN(ms) || ms < Date.UTC(1902) || ms >= Date.UTC(10_000)) return null;
  return new Date(ms).toISOString();
}

/** As Halo takes it: UTC, milliseconds, no zone. */
export function haloInstant(iso: string | number): string {
  return new Date(iso).toISOString().slice(0, -1);
}

/** Some milliseconds earlier or later. */
export function shifted(iso: string, ms: number): string {
  return new Date(Date.parse(iso) + ms).toISOString();
}
