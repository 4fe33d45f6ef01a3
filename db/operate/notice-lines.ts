/** Describes notices for the log: which tickets and why, derived from the cause; the text is for people. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import type { UnannouncedNotice } from '#db/base/notices.ts';
import { textArray } from '#db/base/text-array.ts';

export type NoticeLine = {
  readonly link: string;
  /** Code. */
  readonly reason: string;
  readonly mirror: string | null;
  readonly tickets: readonly string[];
  readonly instance: string | null;
  readonly count: number;
  /** Instant. */
  readonly since: string;
  /** The notice has been cleared. */
  readonly cleared: boolean;
};

export async function noticeLines(db: Db, notices: readonly UnannouncedNotice[]): Promise<NoticeLine[]> {
  const parts = notices.map((notice) => ({ notice, ...partsOf(notice.cause) }));
  const mirrors = parts.flatMap(({ mirror }) => mirror ?? []);
  const found = mirrors.length === 0 ? [] : await ticketsOf(db, mirrors);
  const tickets = new Map(found.map((row) => [row.id, row.tickets]));
  return parts.map(({ notice, reason, mirror, instance }) => ({
    link: notice.link,
    reason,
    mirror,
    tickets: tickets.get(mirror ?? '') ?? [],
    instance,
    count: notice.count,
    since: notice.first_at,
    cleared: notice.cleared,
  }));
}

/** `ping-pong/<mirror>`, `held/<mirror>/<code>`, `instance/<id>`, `link/<state>`, `webhook` … */
function partsOf(cause: string): Pick<NoticeLine, 'reason' | 'mirror' | 'instance'> {
  const [word = cause, of = '', code] = cause.split('/');
  if (/^[\da-f-]{36}$/.test(of)) return { reason: code ?? word, mirror: of, instance: null };
  if (word === 'instance') return { reason: word, mirror: null, instance: of };
  return { reason: of === '' ? word : `${word}-${of}`, mirror: null, instance: null };
}

function ticketsOf(db: Db, mirrors: readonly string[]): Promise<{ id: string; tickets: string[] }[]> {
  return rows(
    db,
    sql`select id::text, array_remove(array[first_instance || ' ' || coalesce(first_number, first_ticket),
        second_instance || ' ' || coalesce(second_number, second_ticket)], null) as tickets
      from mirrors where id = any(${textArray(mirrors)}::uuid[])`,
  );
}
