/** Figures in texts, and figures in source: what a document says of a limit and what the code has, to be compared by value. */

/** What one of the unit is worth: times in milliseconds, sizes in bytes, rates in bytes per millisecond. */
const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  days: 86_400_000,
  months: 1,
  million: 1_000_000,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
  'KiB/s': 1_024 / 1_000,
  'Mbit/s': 1_000_000 / 8 / 1_000,
};

/** What a name says of its number's unit, by its ending. */
const endings: readonly (readonly [RegExp, number])[] = [
  [/Seconds$/, 1_000],
  [/Minutes$/, 60_000],
  [/Hours$/, 3_600_000],
  [/Days$/, 86_400_000],
  [/MiB$/, 1_024 ** 2],
];

/** A figure as it is written, and what it is worth; one without a unit is worth its number. */
export type Figure = { readonly text: string; readonly value: number; readonly hasUnit: boolean };

export function figuresIn(text: string): Figure[] {
  const number = String.raw`(?<![\w.,^-])(\d+\^\d+|\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)`;
  const unit = String.raw`(?: (${Object.keys(units)
    .toSorted((a, b) => b.length - a.length)
    .join('|')})(?![\w/]))?`;
  return [...text.matchAll(new RegExp(`${number}${unit}(?![\\w^])`, 'g'))].map(([found, digits = '', of]) => {
    const [base = '', exponent] = digits.replaceAll(',', '').split('^');
    const plain = exponent === undefined ? Number(base) : Number(base) ** Number(exponent);
    return { text: found, value: plain * (of === undefined ? 1 : (units[of] ?? NaN)), hasUnit: of !== undefined };
  });
}

/**
 * The values of a constant, a property, a default or `a ?? 16` of this name; of an object, those of all its properties. A
 * dotted name is looked for inside what has the name before the dot.
 * @param whole where constants are looked for that an expression names
 */
export function valuesIn(source: string, name: string, whole = source): number[] {
  const [own = '', ...rest] = name.split('.');
  const places = placesOf(source, own);
  if (rest.length > 0) return places.flatMap((place) => valuesIn(objectAt(place) ?? '', rest.join('.'), whole));
  const scale = endings.find(([ending]) => ending.test(own))?.[1] ?? 1;
  const found = places.flatMap((place) => {
    const object = objectAt(place);
    if (object !== null)
      return [...object.matchAll(/\b(\w+):/g)].flatMap(([, property = '']) => valuesIn(object, property, whole));
    const value = evaluate(place, whole);
    return value === null ? [] : [value * scale];
  });
  return [...new Set(found)];
}

/** The text after the name; of the `const` alone if there is one. */
function placesOf(source: string, name: string): string[] {
  const behind = (pattern: string): string[] =>
    [...source.matchAll(new RegExp(pattern, 'g'))].map(({ index, 0: { length } }) => source.slice(index + length));
  const constants = behind(String.raw`\bconst ${name}(?:: \w+)? = `);
  if (constants.length > 0) return constants;
  return [
    ...behind(String.raw`(?<!readonly )\b${name}: (?:options\.\w+ \?\? )?`),
    ...behind(String.raw`\b${name} = `),
    ...behind(String.raw`\b${name} \?\? `),
    ...behind(String.raw`\b${name}: z\.[^\n]*\.default\(`),
  ];
}

/** The inside of the braces that it begins with; null where it begins with none. */
function objectAt(text: string): string | null {
  if (!text.startsWith('{')) return null;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return text.slice(1, at);
  }
  return null;
}

/** Sums, products and powers of numbers and of constants of the source; null where it begins with anything else. */
function evaluate(text: string, source: string): number | null {
  const tokens = /^(?:\s*(?:\d[\d_]*(?:\.\d+)?|\*\*|[-+*/()]|[a-z]\w*(?!\w*[.(])))+/
    .exec(text)?.[0]
    .match(/\d[\d_.]*|\*\*|\w+|\S/g);
  if (tokens == null) return null;
  const left = [...tokens];
  const take = (...wanted: string[]): string | undefined => (wanted.includes(left[0] ?? '') ? left.shift() : undefined);
  const atom = (): number => {
    if (take('(') !== undefined) {
      const inside = sum();
      take(')');
      return inside;
    }
    const token = left.shift() ?? '';
    return /^\d/.test(token) ? Number(token.replaceAll('_', '')) : constant(token, source);
  };
  const power = (): number => {
    const base = atom();
    return take('**') === undefined ? base : base ** power();
  };
  const product = (): number => {
    let value = power();
    for (let by = take('*', '/'); by !== undefined; by = take('*', '/'))
      value = by === '*' ? value * power() : value / power();
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (let by = take('+', '-'); by !== undefined; by = take('+', '-')) value += by === '+' ? product() : -product();
    return value;
  };
  const value = sum();
  return Number.isFinite(value) ? value : null;
}

function constant(name: string, source: string): number {
  const value = new RegExp(String.raw`\bconst ${name} = ([\d_ *]+);`).exec(source)?.[1];
  return value === undefined ? NaN : (evaluate(value, '') ?? NaN);
}
