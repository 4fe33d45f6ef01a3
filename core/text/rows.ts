/**
 * Turns the tables of a sanitised note into lines of text: the cells of a row side by side; layout tables become their
 * content. (Padding columns to their widest cell would grow with the square of the table.)
 */

type Row = { readonly cells: string[][]; holdsTable: boolean };

const token = /<[^<>]*>|[^<]+|</g;
const withinCell = /^<\/?(?:p|div|h[1-4]|blockquote|ul|ol|li|pre)(?: [^<>]*)?>$|^<(?:br|hr) \/>$/;

export function rowsAsLines(html: string): string {
  if (!html.includes('<tr')) return html;
  const out: string[] = [];
  const rows: Row[] = [];
  const put = (piece: string): void => {
    const row = rows.at(-1);
    const cell = row?.cells.at(-1);
    if (row === undefined) out.push(piece);
    else if (cell !== undefined) cell.push(piece);
    else if (piece.trim() !== '') row.cells.push([piece]);
  };
  for (const [piece] of html.matchAll(token)) {
    if (piece === '<tr>') rows.push({ cells: [], holdsTable: false });
    else if (piece === '</tr>') {
      const row = rows.pop();
      if (row !== undefined) put(lineOf(row));
    } else if (/^<t[dh](?: [^<>]*)?>$/.test(piece) && rows.length > 0) rows.at(-1)?.cells.push([]);
    else if (/^<\/t[dh]>$/.test(piece)) continue;
    else if (/^<\/?(?:table|thead|tbody)>$/.test(piece)) {
      const row = rows.at(-1);
      if (row !== undefined) row.holdsTable = true;
      if (piece === '<table>' || piece === '</table>') put(piece === '<table>' ? '<div>' : '</div>');
    } else put(piece);
  }
  while (rows.length > 0) {
    const row = rows.pop();
    if (row !== undefined) put(lineOf(row));
  }
  return out.join('');
}

function lineOf({ cells, holdsTable }: Row): string {
  const said = cells.filter((cell) => cell.some((piece) => piece.startsWith('<img') || isText(piece)));
  if (said.length < 2 || holdsTable) return said.map((cell) => `<div>${cell.join('')}</div>`).join('');
  const line = said.map((cell) => cell.map((piece) => (withinCell.test(piece) ? ' ' : piece)).join(''));
  return `<div>${line.join(' | ')}</div>`;
}

/** A text, or the lines of a nested table. */
function isText(piece: string): boolean {
  return !/^<[^<>]*>$/.test(piece) && piece.trim() !== '';
}
