// Mails as RT would hand them to sendmail, read back far enough for tests: who gets what.

export type RtMail = {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly from: string;
  readonly subject: string;
  /** Finds a header by its name in any case; empty if absent. RT writes headers in any order. */
  header(name: string): string;
  /** Returns everything below the headers, with transfer encodings undone if the whole mail is one part. */
  readonly body: string;
  readonly raw: string;
};

export function parseMail(raw: string): RtMail {
  const [head = '', ...rest] = raw.replaceAll('\r\n', '\n').split('\n\n');
  const headers = new Map<string, string>();
  for (const line of head.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const text = (name: string): string => headers.get(name) ?? '';
  const addresses = (name: string): string[] => text(name).match(/[^\s<>,;"]+@[^\s<>,;"]+/g) ?? [];
  return {
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    from: text('from'),
    subject: text('subject'),
    header: (name) => text(name.toLowerCase()),
    body: decoded(rest.join('\n\n'), text('content-transfer-encoding')),
    raw,
  };
}

function decoded(body: string, encoding: string): string {
  if (encoding.toLowerCase() === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding.toLowerCase() !== 'quoted-printable') return body;
  const bytes = body
    .replace(/=\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
