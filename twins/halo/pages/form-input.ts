/** Reads the forms of the pages: texts, numbers, files, and notes with pictures in them. */
import { randomUUID } from 'node:crypto';
import { HaloError } from '#twins/halo/errors.ts';
import type { Input } from '#twins/halo/input.ts';
import type { Ctx } from '#twins/halo/serving.ts';
import { escapeHtml, htmlOf } from '#twins/halo/text.ts';

export interface Form {
  /** Returns an empty string if the form has no such field. */
  text(name: string): string;
  /** Returns undefined if there is nothing or it is not a number. */
  number(name: string): number | undefined;
  files(name: string): readonly File[];
}

const mostBytes = 32 * 1024 * 1024;

/** Reads the form of a POST. Throws 413 for more than 32 MB, and 400 for anything that is not a form. */
export async function formOf(c: Ctx): Promise<Form> {
  if (Number(c.req.header('content-length') ?? 0) > mostBytes) {
    throw new HaloError(413, 'The files are too large: a form takes up to 32 MB');
  }
  const body = await c.req.parseBody({ all: true }).catch(() => {
    throw new HaloError(400, 'The form could not be read');
  });
  const all = (name: string): readonly (string | File)[] => {
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    return value === undefined ? [] : Array.isArray(value) ? value : [value];
  };
  const text = (name: string): string => {
    const value = all(name).find((one) => typeof one === 'string') ?? '';
    return value.replaceAll(/\r\n?/g, '\n').trim();
  };
  return {
    text,
    number(name) {
      const value = text(name);
      return /^\d{1,12}$/.test(value) ? Number(value) : undefined;
    },
    files: (name) => all(name).filter((one) => one instanceof File && (one.name !== '' || one.size > 0)) as File[],
  };
}

/** An empty form, which a page shows before anybody has filled it in. */
export const emptyForm: Form = { text: () => '', number: () => undefined, files: () => [] };

/**
 * Reads the form's note. Puts its pictures where `[picture 1]` says so, or at its end; files are attached separately.
 */
export async function noteOf(form: Form): Promise<{ readonly html: string; readonly attachments: readonly Input[] }> {
  const attachments: Input[] = [];
  let html = paragraphs(form.text('note'));
  for (const [index, picture] of form.files('picture').entries()) {
    const cid = randomUUID();
    attachments.push({ ...(await elementOf(picture, `picture-${index + 1}.png`)), cid });
    const shown = `<img src="cid:${cid}" alt="${escapeHtml(picture.name === '' ? 'Picture' : picture.name)}">`;
    const mark = `[picture ${index + 1}]`;
    html = html.includes(mark) ? html.replace(mark, () => shown) : `${html}<p>${shown}</p>`;
  }
  for (const file of form.files('file')) attachments.push(await elementOf(file, 'file'));
  return { html, attachments };
}

async function elementOf(file: File, otherwise: string): Promise<Input> {
  const filename = file.name === '' ? otherwise : file.name;
  return { filename, data_base64: Buffer.from(await file.arrayBuffer()).toString('base64') };
}

function paragraphs(text: string): string {
  if (text === '') return '';
  return text
    .split(/\n{2,}/)
    .map((part) => `<p>${htmlOf(part)}</p>`)
    .join('');
}
