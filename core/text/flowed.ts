/** Rejoins the lines of plain-text mail that a program broke, not a person (`format=flowed`, RFC 3676). One pass. */

/** @param contentType of the part, with its parameters; text that is not declared as flowed is returned unchanged */
export function unflowed(text: string, contentType: string): string {
  if (!/;\s{0,20}format\s{0,5}=\s{0,5}"?flowed\b/i.test(contentType)) return text;
  const isSpaceAdded = /;\s{0,20}delsp\s{0,5}=\s{0,5}"?yes\b/i.test(contentType);
  const lines: string[] = [];
  /** The paragraph that continues on the next line, if that line has the same quote depth. */
  let open: { readonly depth: number; readonly pieces: string[] } | null = null;
  const end = (): void => {
    if (open !== null) lines.push(`${quote(open.depth)}${open.pieces.join('')}`);
    open = null;
  };
  for (const line of text.replaceAll(/\r\n?/g, '\n').split('\n')) {
    let depth = 0;
    while (line.charAt(depth) === '>') depth += 1;
    const body = line.slice(line.charAt(depth) === ' ' ? depth + 1 : depth);
    const isSignature = body === '-- ';
    if (open !== null && (open.depth !== depth || isSignature)) end();
    const continues = body.endsWith(' ') && !isSignature;
    open ??= { depth, pieces: [] };
    open.pieces.push(continues && isSpaceAdded ? body.slice(0, -1) : body);
    if (!continues) end();
  }
  end();
  return lines.join('\n');
}

function quote(depth: number): string {
  return depth === 0 ? '' : `${'>'.repeat(depth)} `;
}
