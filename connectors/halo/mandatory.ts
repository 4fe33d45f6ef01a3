/** What a ticket type's form wants of every new ticket: custom fields, and properties of the ticket itself. */
import type { CatalogueType, Command, RequiredOwn } from '#core/words/vocabulary.ts';
import { assumed } from './assumed.ts';
import { ticketFields } from './fields.ts';
import type { FieldInfo, TypeDetails } from './wire.ts';

type Mandatory = Pick<CatalogueType, 'required' | 'requiredOwn'>;
type FormField = Omit<NonNullable<TypeDetails['fields']>[number], 'group'>;
type Default = Extract<keyof TypeDetails, `default_${string}`>;
type Own = {
  /** `given`: Ferry or Halo itself always gives it a value; `field`: mapped as if it were a custom field. */
  readonly as: RequiredOwn['of'] | 'given' | 'field';
  readonly field?: string;
  readonly default?: Default;
};

const given: Own = { as: 'given' };
const priority: Own = { as: 'priority', default: 'default_priority' };
const category: Own = { as: 'category', default: 'default_category_1' };
const team: Own = { as: 'team', default: 'default_team' };
const start: Own = { as: 'field', field: ticketFields.start };
const target: Own = { as: 'field', field: ticketFields.target, default: 'default_targetdate' };
const other = (name?: Default): Own => ({ as: 'other', ...(name === undefined ? {} : { default: name }) });

/**
 * By the names of the database's columns, which forms show (`seriousness`), and by those of the API (`priority_id`). The
 * columns of categories count from two.
 */
const own = new Map<string, Own>([
  ...['symptom', 'summary', 'symptom2', 'details', 'client_id', 'site_id', 'user_id'].map(
    (name) => [name, given] as const,
  ),
  // The agent is nobody, and the date of the fix comes from the service level, where nobody says otherwise.
  ...['assignedtoint', 'agent_id', 'fixbydate'].map((name) => [name, given] as const),
  ...['seriousness', 'priority_id'].map((name) => [name, priority] as const),
  ...['category1', 'category2', 'category_1'].map((name) => [name, category] as const),
  ...['sectio_', 'team_id', 'team'].map((name) => [name, team] as const),
  ...['fprojectstartdate', 'startdate', 'start_date'].map((name) => [name, start] as const),
  ...['fopptargetdate', 'targetdate', 'target_date'].map((name) => [name, target] as const),
  ...['category3', 'category_2'].map((name) => [name, other('default_category_2')] as const),
  ...['category4', 'category_3'].map((name) => [name, other('default_category_3')] as const),
  ...['category5', 'category_4'].map((name) => [name, other('default_category_4')] as const),
  ['impact', other('default_impact')],
  ['estimate', other('default_estimate')],
]);

/**
 * What is told here stops a ticket before it is opened: so only what the form calls mandatory, for which the type has no
 * default, and of custom fields only those that the desk lists.
 */
export function mandatoryOf(details: TypeDetails, fields: readonly FieldInfo[]): Mandatory {
  const rows = (details.fields ?? []).flatMap((row): readonly FormField[] => row.group?.fields ?? [row]);
  const required = new Set<string>();
  const requiredOwn = new Map<string, RequiredOwn>();
  for (const row of rows.filter(isMandatory)) {
    const names = namesOf(row);
    const known = names.map((name) => own.get(name)).find((one) => one !== undefined);
    const found = known ?? (row.fieldinfo?.custom === 0 ? other() : null);
    const custom = found === null ? fields.find((one) => names.includes(one.name.toLowerCase())) : undefined;
    if (custom !== undefined) required.add(custom.name);
    if (found === null || found.as === 'given' || hasDefault(details, found)) continue;
    if (found.as === 'field') required.add(found.field ?? '');
    else requiredOwn.set(names.join(), { of: found.as, name: labelOf(row) });
  }
  return {
    ...(required.size === 0 ? {} : { required: [...required] }),
    ...(requiredOwn.size === 0 ? {} : { requiredOwn: [...requiredOwn.values()] }),
  };
}

/** Returns the mandatory properties from `mandatoryOf` that an opening lacks, by Halo's names. */
export function ownMissing(type: Mandatory | undefined, command: Command): readonly string[] {
  const { open, category: itsCategory, priority: itsPriority } = command;
  const values = { category: itsCategory, priority: itsPriority, team: open?.team, other: null };
  return (type?.requiredOwn ?? []).filter(({ of }) => (values[of] ?? '') === '').map(({ name }) => name);
}

function isMandatory({ technew, fieldinfo }: FormField): boolean {
  return technew === assumed.mandatoryField || ((technew ?? 0) > 0 && fieldinfo?.mandatory === true);
}

function namesOf({ fieldname, fieldinfo }: FormField): readonly string[] {
  const names = [fieldinfo?.faults_field_name, fieldinfo?.name, fieldname];
  return names.flatMap((name) => (name === null || name === undefined || name === '' ? [] : [name.toLowerCase()]));
}

function labelOf({ fieldname, fieldinfo }: FormField): string {
  const names = [fieldinfo?.label, fieldinfo?.name, fieldname];
  return names.find((name) => name !== null && name !== undefined && name !== '') ?? '';
}

/** Numbers that are not above zero are no default. */
function hasDefault(details: TypeDetails, { default: name }: Own): boolean {
  const value = name === undefined ? null : details[name];
  return value !== null && value !== undefined && value.trim() !== '' && !(Number(value) <= 0);
}
