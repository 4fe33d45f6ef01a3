/** The mapping editor: the rules in force, and one row to change them. */
import { html, raw } from 'hono/html';

import type { CatalogueKind } from '#core/words/vocabulary.ts';

import type { Markup } from './html-page.ts';
import type { Editor, EditorRow, SaveResult } from './mistake.ts';

const noRow: EditorRow = { from: '', to: '', mails: false };

/** Shows the editor. @param tried the row that was submitted, and the result of saving it */
export function rulesPart(editor: Editor | null, tried: { row: EditorRow; result: SaveResult } | null): Markup {
  if (editor === null) return html`<p>The link does not exist yet.</p>`;
  const row = tried?.row ?? editor.rows.find(({ mails }) => mails) ?? noRow;
  return html`<p>
      What <b>Acme</b> makes of actions from <b>Northwind</b>; ✉ marks actions that send mail. Version
      ${editor.version}.
    </p>
    <ul class="rows">
      ${editor.rows.map(
        ({ from, to, mails }) =>
          html`<li>
            ${from} <b aria-hidden="true">→</b
            ><span class="hidden">becomes</span> ${to}${mails ? html` <span class="mail">✉ mails the user</span>` : ''}
          </li>`,
      )}
    </ul>
    <form
      method="post"
      action="/rules"
      hx-post="/rules"
      hx-target="#rules"
      hx-swap="innerHTML"
      hx-disabled-elt="find button"
      class="editor"
    >
      <label
        >Northwind's
        <select name="from" id="rule-from" data-testid="rule-from">
          ${options(editor.from, row.from)}
        </select></label
      >
      <label
        >becomes Acme's
        <select name="to" id="rule-to" data-testid="rule-to">
          ${options(editor.to, row.to)}
        </select></label
      >
      <label class="check"
        ><input type="checkbox" name="mails" value="yes" id="rule-mails" ${row.mails ? raw('checked') : ''} /> mails the
        user</label
      >
      <button id="rule-save" data-testid="rule-save">Save</button>
      ${tried === null ? '' : told(tried.result)}
    </form>`;
}

function options(kinds: readonly CatalogueKind[], chosen: string): Markup {
  return html`${kinds.map(
    ({ name, mails }) =>
      html`<option value="${name}" ${name === chosen ? raw('selected') : ''}>${name}${mails ? ' ✉' : ''}</option>`,
  )}`;
}

function told(result: SaveResult): Markup {
  if (result.outcome === 'refused')
    return html`<div class="refused" role="alert" data-testid="refused">
      <p><strong>Not saved.</strong> Nothing was changed.</p>
      ${result.faults.map(({ code, message, fix }) => html`<p>${message} <em>${fix}</em> <code>${code}</code></p>`)}
    </div>`;
  const words = {
    saved: 'Saved.',
    unchanged: 'This rule is already in force.',
    overtaken: 'Somebody saved at the same moment; review the rules and try again.',
  };
  return html`<p class="saved" role="status" data-testid="saved">${words[result.outcome]}</p>`;
}
