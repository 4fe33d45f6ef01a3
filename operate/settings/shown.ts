/** What differs between two versions of the same settings, line by line. */
import { differences, type Change } from '#operate/apply/difference.ts';
import type { SavedVersion } from '#db/settings/history.ts';

type Shown = Pick<SavedVersion, 'settings' | 'profile'>;

/** Paths begin with the subject: `links.acme-north.supplier.inbound.statuses[1].to`. */
export function changesBetween(subject: string, before: Shown | null, after: Shown): readonly Change[] {
  return differences(before === null ? {} : shown(before), shown(after), subject.split('/'));
}

function shown({ settings, profile }: Shown): Readonly<Record<string, unknown>> {
  return profile === null ? settings : { extends: profile, ...settings };
}
