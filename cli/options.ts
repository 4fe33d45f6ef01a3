/** Options that several commands need, and what is said where they are missing. */
import type { WireContact } from '#core/wire.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { CliError, exitCodes } from './errors.ts';
import { readContact } from './print/contact.ts';

/** @param missing what to say where it names no side */
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
