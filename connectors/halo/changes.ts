/** What a command changes besides its note, as the fields of Halo's ticket and action. */
import type { Command, FieldValue } from '#core/words/vocabulary.ts';
import { byName, same } from './catalogue.ts';
import type { Call } from './call.ts';
import { ticketFields, valueTo } from './fields.ts';
import type { Desk } from './read.ts';
import { isTicketField } from './steps.ts';
import { haloInstant, instantOf } from './time.ts';

/** For `POST /Tickets`. Throws `refused` for a name or value that this Halo does not have. */
export async function ticketChanges(desk: Desk, command: Command, call: Call): Promise<Record<string, unknown>> {
  const { status, priority, category, fields } = command;
  const found = await changes(desk, { status, priority, fields }, call);
  return {
    ...(found.status === undefined ? {} : { status_id: found.status }),
    ...(found.priority === undefined ? {} : { priority_id: found.priority }),
    ...(category === undefined ? {} : { category_1: category ?? '' }),
    ...(ticketFields.start in fields ? { startdate: instantTo(fields[ticketFields.start]) } : {}),
    ...(ticketFields.target in fields ? { targetdate: instantTo(fields[ticketFields.target]) } : {}),
    ...(found.customfields.length === 0 ? {} : { customfields: found.customfields }),
  };
}

/** For `POST /Actions`. Throws as above. */
export async function actionChanges(desk: Desk, command: Command, call: Call): Promise<Record<string, unknown>> {
  const { status, priority, category, fields } = command;
  const found = await changes(desk, { status, priority, fields }, call);
  return {
    ...(found.status === undefined ? {} : { new_status: found.status }),
    ...(found.priority === undefined ? {} : { new_priority: found.priority }),
    ...(category === undefined || category === null ? {} : { new_category1: category }),
    ...(found.customfields.length === 0 ? {} : { customfields: found.customfields }),
  };
}

type Changes = {
  readonly status: number | undefined;
  readonly priority: number | undefined;
  readonly customfields: readonly { readonly id?: number; readonly name: string; readonly value: unknown }[];
};

async function changes(
  desk: Desk,
  asked: { status: string | undefined; priority: string | null | undefined; fields: Command['fields'] },
  call: Call,
): Promise<Changes> {
  const { glossary } = desk;
  const { status, priority } = asked;
  const customfields = [];
  for (const [name, value] of Object.entries(asked.fields)) {
    if (isTicketField(name) || name === ticketFields.supplier) continue;
    const field = await glossary.look(
      'field',
      name,
      (words) => byName(words.fields, name) ?? words.fields.find(({ label }) => same(label ?? '', name)),
      call,
    );
    const id = typeof field.id === 'number' ? { id: field.id } : {};
    customfields.push({ ...id, name: field.name, value: valueTo(field, value) });
  }
  return {
    status:
      status === undefined
        ? undefined
        : (await glossary.look('status', status, (w) => byName(w.statuses, status), call)).id,
    priority:
      priority === undefined || priority === null
        ? undefined
        : (await glossary.look('priority', priority, (w) => byName(w.priorities, priority), call)).id,
    customfields,
  };
}

function instantTo(value: FieldValue | undefined): string | null {
  const instant = typeof value === 'string' ? instantOf(value) : null;
  return instant === null ? null : haloInstant(instant);
}
