/** What a twin shows at its address: where to look at it with a browser or curl. */
import type { Desk } from './desk.ts';

/** Renders plain text. The addresses are the twin's own and need no token. */
export function welcome(desk: Desk, product: string): string {
  const at = `${desk.baseUrl()}/twin`;
  const users = desk.store.list('user').filter(({ emailaddress }) => emailaddress !== '');
  return [
    `${desk.name}, a stand-in of ${product} for trying things out. No mail leaves it.`,
    '',
    'Its tickets, newest first:',
    `  ${at}/tickets?as=text`,
    'The mail that it would have sent:',
    `  ${at}/outbox?as=text`,
    'What its end users see:',
    ...users.map(({ emailaddress }) => `  ${at}/portal/${emailaddress}/tickets?as=text`),
    '',
    'Without as=text it is JSON. twins/halo/README.md says what else can be done here.',
    '',
  ].join('\n');
}
