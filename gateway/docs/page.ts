/** The API's document as one page without script: every operation with its input and answers, and every schema. */
import { html } from 'hono/html';

type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly description?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
} & Readonly<
  Partial<
    Record<'minLength' | 'maxLength' | 'minimum' | 'maximum' | 'minItems' | 'maxItems' | 'pattern', string | number>
  >
>;

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly description?: string;
};
type Operation = {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content?: Content };
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>;
};

export type ApiDocument = {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
};

type Part = ReturnType<typeof html>;

export function docsPage(document: ApiDocument): Part {
  const { info, paths } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const groups = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? 'other');
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}</title>
        <link rel="stylesheet" href="docs/style.css" />
      </head>
      <body>
        <header>
          <h1>${info.title} <small>${info.version}</small></h1>
          <p>${info.description ?? ''}</p>
          <p><a href="docs/openapi.json">The same as an OpenAPI 3.1 document</a></p>
        </header>
        <nav aria-label="Operations">
          ${[...groups].map(
            ([tag, some]) =>
              html`<h2>${tag}</h2>
                <ul>
                  ${some.map(
                    ({ path, method, operation }) =>
                      html`<li>
                        <a href="#${idOf(operation, method, path)}"><b>${method.toUpperCase()}</b> ${path}</a>
                      </li>`,
                  )}
                </ul>`,
          )}
          <h2><a href="#schemas">schemas</a></h2>
        </nav>
        <main>
          ${operations.map(({ path, method, operation }) => operationPart(path, method, operation))}
          <h2 id="schemas">Schemas</h2>
          ${Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => schemaPart(name, schema))}
        </main>
      </body>
    </html>`;
}

function operationPart(path: string, method: string, operation: Operation): Part {
  const { summary, description, parameters = [], requestBody, responses = {} } = operation;
  return html`<section id="${idOf(operation, method, path)}">
    <h3><b>${method.toUpperCase()}</b> ${path}</h3>
    <p><strong>${summary ?? ''}</strong> ${description ?? ''}</p>
    ${
      parameters.length === 0
        ? ''
        : html`<table>
            <caption>
              Parameters
            </caption>
            <tbody>
              ${parameters.map(
                (one) =>
                  html`<tr>
                    <th scope="row">${one.name}${one.required === true ? ' *' : ''} <small>${one.in}</small></th>
                    <td>${typePart(one.schema)} ${one.description ?? ''}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
    ${requestBody?.content === undefined ? '' : html`<p>Body: ${contentPart(requestBody.content)}</p>`}
    <table>
      <caption>
        Answers
      </caption>
      <tbody>
        ${Object.entries(responses).map(
          ([status, { description: said, content }]) =>
            html`<tr>
              <th scope="row">${status}</th>
              <td>${said ?? ''} ${content === undefined ? '' : contentPart(content)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

function contentPart(content: Content): Part {
  return html`${Object.entries(content).map(
    ([type, { schema }]) => html`<span>${typePart(schema)} <small>${type}</small></span>`,
  )}`;
}

function schemaPart(name: string, schema: Schema): Part {
  const { properties, required = [], description } = schema;
  return html`<section id="schema-${name}">
    <h3>${name}</h3>
    <p>${description ?? ''}</p>
    ${
      properties === undefined
        ? html`<p>${typePart(schema)}</p>`
        : html`<table>
            <tbody>
              ${Object.entries(properties).map(
                ([key, inner]) =>
                  html`<tr>
                    <th scope="row">${key}${required.includes(key) ? ' *' : ''}</th>
                    <td>${typePart(inner)} ${inner.description ?? ''}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
  </section>`;
}

const bounds = ['minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'pattern'] as const;

/** Describes a schema in a line, with links to named schemas. */
function typePart(schema: Schema | undefined): Part {
  if (schema === undefined) return html`anything`;
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace(/^.*\//, '');
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return joined(choices.map(typePart), ' or ');
  if (schema.enum !== undefined) return html`<code>${schema.enum.map((one) => JSON.stringify(one)).join(' | ')}</code>`;
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.items !== undefined) return html`list of ${typePart(schema.items)}${boundsPart(schema)}`;
  if (schema.properties !== undefined) {
    const inner = Object.entries(schema.properties).map(([key, value]) => html`${key}: ${typePart(value)}`);
    return html`{ ${joined(inner, ', ')} }`;
  }
  if (typeof schema.additionalProperties === 'object')
    return html`map of ${typePart(schema.additionalProperties)}${boundsPart(schema)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'anything');
  return html`${type}${schema.format === undefined ? '' : ` (${schema.format})`}${boundsPart(schema)}`;
}

function boundsPart(schema: Schema): Part {
  const said = bounds.flatMap((bound) => (schema[bound] === undefined ? [] : [`${bound} ${schema[bound]}`]));
  return said.length === 0 ? html`` : html` <small>${said.join(', ')}</small>`;
}

function joined(parts: readonly Part[], between: string): Part {
  return html`${parts.map((part, n) => html`${n === 0 ? '' : between}${part}`)}`;
}

function idOf({ operationId }: Operation, method: string, path: string): string {
  return operationId ?? `${method}-${path.replaceAll(/\W+/g, '-')}`;
}

export const docsStyle = `:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; }
nav ul { list-style: none; padding: 0; columns: 20rem; }
nav h2, h3 { margin: 1rem 0 0.25rem; }
nav h2 { text-transform: capitalize; font-size: 1rem; }
section { border-top: 1px solid var(--line); padding: 0.5rem 0 1rem; }
h3 { overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: 1rem; }
table { width: 100%; border-collapse: collapse; margin: 0.5rem 0; }
caption { text-align: left; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.5rem; border: 1px solid var(--line); overflow-wrap: anywhere; }
th { width: 14rem; background: var(--soft); font-weight: 500; }
small { opacity: 0.75; }
@media (max-width: 40rem) { th { width: 8rem; } }
`;
