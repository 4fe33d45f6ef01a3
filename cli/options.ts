/** Options that several commands share, and the messages if they are missing. */
import { wireContact, type WireContact } from '#core/wire.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { CliError, exitCodes } from './errors.ts';

/** Reads `--as`. @param missing the message if it names no side */
export function sideOption(text: string | undefined, missing: string): SideName {
  if (text === 'customer' || text === 'supplier') return text;
  throw new CliError('no-side', exitCodes.usage, missing);
}

export function instanceOption(instance: string | undefined): string {
  if (instance !== undefined) return instance;
  throw new CliError(
    'no-instance',
    exitCodes.usage,
    'name your instance of the link with --instance ID; ferry status lists them',
  );
}

export function contactOption(text: string | undefined): WireContact | null {
  return text === undefined ? null : readContact(text);
}

/** Reads a contact as people write it: `Ann Lee <ann@acme.example> +49 30 1234`. */
export function readContact(text: string): WireContact {
  const found =
    /^([^<>]{0,300}?)\s{0,20}(?:<([^<>\s]{1,200}@[^<>\s]{1,200})>)?\s{0,20}(\+?[\d][\d\s()/.-]{3,100})?$/.exec(
      text.trim(),
    );
  const [, name = '', email, phone] = found ?? [];
  const contact = wireContact.safeParse({
    name: name.trim(),
    ...(email === undefined ? {} : { email }),
    ...(phone === undefined ? {} : { phone: phone.trim() }),
  });
  if (found !== null && contact.success && (name.trim() !== '' || email !== undefined || phone !== undefined))
    return contact.data;
  throw new CliError(
    'not-a-contact',
    exitCodes.usage,
    `"${text}" is not a contact; write it as: "Ann Lee <ann@acme.example> +49 30 1234"`,
  );
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const longestMs = 100 * 365 * 86_400_000;

/** `2026-05-01`, an instant with its zone, or `90m`, `12h`, `7d` ago. */
export function instantOf(option: string, text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text.trim()) ?? [];
  const at =
    number !== undefined && unit !== undefined
      ? now - Math.min(Number(number) * (units[unit] ?? 0), longestMs)
      : /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text.trim())
        ? Date.parse(text.trim())
        : Number.NaN;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new CliError(
    'not-a-time',
    exitCodes.usage,
    `"${text}" is no time for ${option}; write a day (2026-05-01), an instant (2026-05-01T08:00:00Z), or how long ago (90m, 12h, 7d)`,
  );
}

/** An instant that is ahead: `2026-12-01T06:00Z`, or `90m`, `12h`, `7d` from now. */
export function endOf(option: string, text: string | undefined, now: number): string {
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text?.trim() ?? '') ?? [];
  const at =
    number !== undefined && unit !== undefined
      ? now + Math.min(Number(number) * (units[unit] ?? 0), longestMs)
      : /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/.test(text?.trim() ?? '')
        ? Date.parse(text?.trim() ?? '')
        : Number.NaN;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new CliError(
    'not-a-time',
    exitCodes.usage,
    `${text === undefined ? `${option} is missing` : `"${text}" is no time for ${option}`}; write an instant with its zone (2026-12-01T06:00Z), or from now (90m, 12h, 7d)`,
  );
}
