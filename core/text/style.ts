/** What an inline style says that a note has to keep: hidden, struck, raised, and how white space counts. */

export type WhiteSpace = 'normal' | 'lines' | 'kept';

export type Meaning = {
  readonly hidden: boolean;
  /** Elements that say the same, outermost first. */
  readonly elements: readonly string[];
  /** A weight that takes boldness away, as editors write around whole documents. */
  readonly notBold: boolean;
  /** Absent: as around it. */
  readonly whiteSpace?: WhiteSpace;
};

const none: Meaning = { hidden: false, elements: [], notBold: false };
/** Longer styles are a program's doing; nothing of them is kept. Characters. */
const maxLength = 5000;

const whiteSpaces: Readonly<Record<string, WhiteSpace>> = {
  pre: 'kept',
  'pre-wrap': 'kept',
  'break-spaces': 'kept',
  'pre-line': 'lines',
  normal: 'normal',
  nowrap: 'normal',
};

export function meaningOf(style: string | undefined): Meaning {
  if (style === undefined || style === '' || style.length > maxLength) return none;
  const said = new Map<string, string>();
  for (const declaration of style.toLowerCase().split(';')) {
    const colon = declaration.indexOf(':');
    if (colon > 0) said.set(declaration.slice(0, colon).trim(), declaration.slice(colon + 1).trim());
  }
  const is = (property: string, ...values: readonly string[]): boolean => {
    const words = (said.get(property) ?? '').split(/\s+/);
    return values.some((value) => words.includes(value));
  };
  const elements: string[] = [];
  const weight = said.get('font-weight') ?? '';
  if (/^(?:bold|bolder|[6-9]00)\b/.test(weight)) elements.push('b');
  if (is('font-style', 'italic', 'oblique')) elements.push('i');
  for (const property of ['text-decoration', 'text-decoration-line']) {
    if (is(property, 'line-through') && !elements.includes('s')) elements.push('s');
    if (is(property, 'underline') && !elements.includes('u')) elements.push('u');
  }
  if (is('vertical-align', 'super')) elements.push('sup');
  if (is('vertical-align', 'sub')) elements.push('sub');
  const space = said.get('white-space') ?? said.get('white-space-collapse') ?? '';
  const whiteSpace = whiteSpaces[space.split(/\s/, 1)[0] ?? ''];
  return {
    hidden: is('display', 'none'),
    elements,
    notBold: /^(?:normal|lighter|[1-4]00)\b/.test(weight),
    ...(whiteSpace === undefined ? {} : { whiteSpace }),
  };
}
