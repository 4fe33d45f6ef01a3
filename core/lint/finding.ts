/** What lint can say about a link's settings. Each code is stable and has a page, docs/findings/CODE.md. */

/** `error`: can't be saved. `warning`: can be, and somebody should look. */
export type Severity = 'error' | 'warning';

/** Every code with how grave it is. */
export const severities = {
  'unknown-name': 'error',
  'two-rules': 'error',
  'field-type-differs': 'error',
  'option-unmapped': 'error',
  'mail-on-mail': 'error',
  'cannot-mail': 'error',
  'cannot-show': 'error',
  'sends-back': 'error',
  'sends-back-by-automation': 'error',
  'sends-back-by-status': 'warning',
  'status-ping-pong': 'error',
  'status-unmapped': 'warning',
  'not-allowed': 'error',
  'sometimes-not-allowed': 'warning',
  'mandatory-field': 'error',
  'length-differs': 'warning',
  'no-default': 'warning',
  'default-shown': 'warning',
  'audience-widens': 'warning',
  'closure-unmailed': 'warning',
  'closure-mailed-twice': 'error',
  'files-refused': 'warning',
  'own-sync-on': 'warning',
  'never-fires': 'warning',
  'no-escalation': 'error',
  'escalates-everything': 'error',
  'wrong-side': 'error',
  'unknown-placeholder': 'error',
} as const satisfies Readonly<Record<string, Severity>>;

export type FindingCode = keyof typeof severities;

export const findingCodes = Object.keys(severities) as readonly FindingCode[];

/** From the link on: `['customer', 'inbound', 'actions', 0, 'to']`. */
export type Place = readonly (string | number)[];

export type Finding = {
  readonly code: FindingCode;
  /** That of the code; a name that another gateway does not offer today is a warning. */
  readonly severity: Severity;
  readonly place: Place;
  /** A sentence: what is wrong, and what would happen. */
  readonly why: string;
  /** A sentence: what to do. */
  readonly fix: string;
  /** Where it is about several names at one place: which. */
  readonly names?: readonly string[];
};

export function finding(code: FindingCode, place: Place, why: string, fix: string, names?: readonly string[]): Finding {
  const told = { code, severity: severities[code], place, why, fix };
  return names === undefined ? told : { ...told, names };
}

/** Quoted, the first dozen of them: `"New", "Open" and 3 more`. */
export function quotedNames(names: readonly string[]): string {
  const most = 12;
  const shown = names.slice(0, most).map((name) => `"${name}"`);
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}

/** `customer.inbound.actions[0].to` */
export function placeText(place: Place): string {
  let text = '';
  for (const step of place) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
