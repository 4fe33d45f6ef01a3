/**
 * Notifies people by webhook, mail, Slack or Teams of what happened and when it is over. A failure is logged; the
 * notice stays in `status`.
 */
import { createTransport, type Transporter } from 'nodemailer';
import type { HttpClient } from '#connectors/contract/http.ts';
import { slackMessage, teamsMessage } from '#core/text/chat.ts';
import type { NotifyTarget } from '#core/rules/settings.ts';
import type { Log, Tell } from './deps.ts';

export type NotifyDeps = {
  readonly http: HttpClient;
  readonly smtpUrl: string | undefined;
  readonly mailFrom: string | undefined;
  readonly log: Log;
};

const timeoutMs = 10_000;
/** A silent mail server would otherwise delay all other notices for minutes. */
const mailTimes = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };

export function createTell(deps: NotifyDeps): Tell {
  const { http, mailFrom, smtpUrl } = deps;
  const mailer: Transporter | null = smtpUrl === undefined ? null : createTransport({ url: smtpUrl, ...mailTimes });
  return async ({ link, text, count, cleared, to }) => {
    const subject = cleared ? `Ferry: ${link} works again` : `Ferry: ${link} needs somebody`;
    const body = cleared ? `It is over: ${text}` : count > 1 ? `${text} (${count} times)` : text;
    const ways = (target: NotifyTarget): Record<keyof NotifyTarget, () => Promise<unknown>> => ({
      webhook: () => post(http, target.webhook, { link, text: body, count, cleared }),
      slack: () => post(http, target.slack, slackMessage(subject, body)),
      teams: () => post(http, target.teams, teamsMessage(subject, body)),
      mail: async () => {
        if (mailer === null) throw new Error('FERRY_SMTP_URL is not set, so no mail is sent');
        await mailer.sendMail({ from: mailFrom ?? 'ferry@localhost', to: target.mail, subject, text: body });
      },
    });
    // Independently: a failed channel prevents no other.
    await Promise.all(
      to.flatMap((target) =>
        Object.entries(ways(target)).map(async ([way, tell]) => {
          if (target[way as keyof NotifyTarget] === undefined) return;
          await tell().catch((error: unknown) =>
            deps.log.warn({ err: error, link, way }, 'a notice could not be sent'),
          );
        }),
      ),
    );
  };
}

async function post(http: HttpClient, url: string | undefined, notice: object): Promise<void> {
  const reply = await http.request({
    method: 'POST',
    notAfter: null,
    url: url ?? '',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(notice),
    signal: AbortSignal.timeout(timeoutMs),
    timeoutMs,
  });
  if (reply.status >= 300) throw new Error(`the webhook answered ${reply.status}`);
}
