/**
 * The contents of an RT's database, read without RT: the view that tests have of tickets, and the one that the
 * invariants need.
 */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { DeskAction, DeskTicket } from '#twins/light/server.ts';

export type RtFile = {
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  readonly sha256: string;
  /** By which a text shows it. */
  readonly contentId: string;
};

export type RtDone = {
  readonly id: number;
  readonly type: string;
  /** Login name; `gateway` is Ferry, `RT_System` the automations. */
  readonly by: string;
  /** Instant, UTC. */
  readonly at: string;
  readonly field: string;
  readonly from: string;
  readonly to: string;
  /** Of the parts that are no files. */
  readonly text: string;
  readonly files: readonly RtFile[];
  /** Of the write of Ferry that made it. */
  readonly marker: string | null;
};

export type RtSeen = {
  readonly id: string;
  readonly mergedInto: string | null;
  readonly subject: string;
  readonly status: string;
  readonly queue: string;
  readonly requestors: readonly string[];
  /** As the database has them: dates and times in UTC. */
  readonly fields: Readonly<Record<string, string>>;
  readonly done: readonly RtDone[];
};

export type RtDatabase = {
  tickets(): readonly RtSeen[];
  ticket(id: string): RtSeen;
  /** For what only somebody at RT's own machine could do. */
  change(statement: string, ...values: readonly (string | number)[]): void;
  close(): void;
};

type Row = Record<string, string | number | Uint8Array | null>;

/** RT's records about its own work, which no read shows. */
const silent = new Set(['EmailRecord', 'CommentEmailRecord', 'SystemError', 'Told']);

export function openRtDatabase(file: string): RtDatabase {
  const db = new DatabaseSync(file, { timeout: 20_000 });
  const all = (statement: string, ...values: (string | number)[]): Row[] =>
    db.prepare(statement).all(...values) as Row[];
  const seen = (row: Row): RtSeen => {
    const id = textOf(row['id']);
    return {
      id,
      mergedInto: row['EffectiveId'] === row['id'] ? null : textOf(row['EffectiveId']),
      subject: textOf(row['Subject']),
      status: textOf(row['Status']),
      queue: textOf(row['Queue']),
      requestors: all(requestors, id).map((one) => textOf(one['EmailAddress'])),
      fields: Object.fromEntries(all(fields, id).map((one) => [textOf(one['Name']), textOf(one['Content'])])),
      done: all(transactions, id)
        .filter((one) => !silent.has(textOf(one['Type'])))
        .map((one) => doneOf(one, all(parts, Number(one['id'])))),
    };
  };
  return {
    tickets: () => all(`${tickets} order by t.id`).map(seen),
    ticket(id) {
      const [row] = all(`${tickets} and t.id = ?`, id);
      if (row === undefined) throw new Error(`there is no ticket ${id}`);
      return seen(row);
    },
    change: (statement, ...values) => void db.prepare(statement).run(...values),
    close: () => db.close(),
  };
}

const tickets = `select t.id, t.EffectiveId, t.Subject, t.Status, q.Name as Queue
  from Tickets t join Queues q on q.id = t.Queue where t.Type = 'ticket'`;
const requestors = `select u.EmailAddress from Groups g join GroupMembers m on m.GroupId = g.id join Users u on u.id = m.MemberId
  where g.Domain = 'RT::Ticket-Role' and g.Name = 'Requestor' and g.Instance = ?`;
const fields = `select f.Name, coalesce(nullif(v.Content, ''), v.LargeContent) as Content
  from ObjectCustomFieldValues v join CustomFields f on f.id = v.CustomField
  where v.ObjectType = 'RT::Ticket' and v.Disabled = 0 and v.ObjectId = ? order by v.id`;
const transactions = `select x.id, x.Type, x.Created, x.OldValue, x.NewValue, u.Name as Creator,
    case when x.Type = 'CustomField' then f.Name else x.Field end as Field
  from Transactions x join Users u on u.id = x.Creator left join CustomFields f on x.Type = 'CustomField' and f.id = x.Field
  where x.ObjectType = 'RT::Ticket' and x.ObjectId = ? order by x.id`;
const parts =
  'select Filename, ContentType, ContentEncoding, Content, Headers from Attachments where TransactionId = ? order by id';

function doneOf(row: Row, found: readonly Row[]): RtDone {
  const leaves = found.filter((part) => !textOf(part['ContentType']).startsWith('multipart/'));
  const isFile = (part: Row): boolean =>
    textOf(part['Filename']) !== '' || !textOf(part['ContentType']).startsWith('text/');
  const marks = found.map((part) => /ferry-event="?([0-9A-Za-z._:-]+)"?/.exec(textOf(part['Headers']))?.[1]);
  return {
    id: Number(row['id']),
    type: textOf(row['Type']),
    by: textOf(row['Creator']),
    at: `${textOf(row['Created']).replace(' ', 'T')}.000Z`,
    field: textOf(row['Field']),
    from: textOf(row['OldValue']),
    to: textOf(row['NewValue']),
    text: leaves
      .filter((part) => !isFile(part))
      .map((part) => bytesOf(part).toString('utf8'))
      .join('\n'),
    files: leaves.filter(isFile).map(fileOf),
    marker: (textOf(row['Creator']) === 'gateway' ? marks.find((mark) => mark !== undefined) : undefined) ?? null,
  };
}

function fileOf(part: Row): RtFile {
  const bytes = bytesOf(part);
  return {
    name: textOf(part['Filename']),
    type: textOf(part['ContentType']),
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    contentId: /^Content-ID: <?([^>\r\n]+)>?/im.exec(textOf(part['Headers']))?.[1] ?? '',
  };
}

function bytesOf(part: Row): Buffer {
  const content = part['Content'] ?? '';
  const raw = content instanceof Uint8Array ? Buffer.from(content) : Buffer.from(String(content));
  if (part['ContentEncoding'] === 'base64') return Buffer.from(raw.toString('latin1'), 'base64');
  return part['ContentEncoding'] === 'quoted-printable' ? unquoted(raw) : raw;
}

/** What a database that cannot store a text unchanged stores instead. */
function unquoted(raw: Buffer): Buffer {
  const text = raw.toString('latin1').replaceAll(/=\r?\n/g, '');
  const plain = text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}

function textOf(value: Row[string] | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value ?? '');
}

/**
 * As the invariants read a desk. RT keeps a marker with notes only; to a bare change the marker is given that Ferry says
 * it was made with, once per write.
 */
export function checkedTicket(seen: RtSeen, writtenBy: ReadonlyMap<number, string>): DeskTicket {
  const given = new Set(seen.done.map(({ marker }) => marker));
  const actions: DeskAction[] = [];
  for (const one of seen.done) {
    const own = one.type === 'Create' ? null : (one.marker ?? writtenBy.get(one.id) ?? null);
    const marker = own !== null && (one.marker !== null || !given.has(own)) ? own : null;
    given.add(marker);
    actions.push({
      id: one.id,
      at: one.at,
      by: byOf(one.by),
      author: one.by,
      kind: one.type,
      note: one.text === '' ? null : one.text,
      visible: one.type !== 'Comment',
      ...(marker === null ? {} : { marker }),
    });
  }
  const reference = seen.fields['SupplierRef'] ?? '';
  return {
    id: seen.id,
    summary: seen.subject,
    description: seen.done.find(({ type }) => type === 'Create')?.text ?? '',
    status: seen.status,
    fields: { ...seen.fields },
    marker: / ?ferry:(\S+)$/.exec(seen.fields['RemoteRef'] ?? '')?.[1] ?? null,
    reference: reference === '' ? null : reference,
    actions,
    position: 0,
  };
}

function byOf(name: string): DeskAction['by'] {
  if (name === 'gateway') return 'service';
  if (name === 'RT_System') return 'automation';
  return 'agent';
}
