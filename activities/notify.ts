/** Tells people by webhook or mail what happened and when it is over. A failure is logged; the notice stays in `status`. */
import { createTransport, type Transporter } from 'nodemailer';
import type { HttpClient } from '#connectors/contract/http.ts';
import type { Log, Tell } from './deps.ts';

export type NotifyDeps = {
  readonly http: HttpClient;
  readonly smtpUrl: string | undefined;
  readonly mailFrom: string | undefined;
  readonly log: Log;
};

const timeoutMs = 10_000;
/** A mail server that is silent keeps no other notice waiting for minutes, as it would otherwise. */
const mailTimes = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };

export function createTell(deps: NotifyDeps): Tell {
  const mailer: Transporter | null =
    deps.smtpUrl === undefined ? null : createTransport({ url: deps.smtpUrl, ...mailTimes });
  return async ({ link, text, count, cleared, to }) => {
    const subject = cleared ? `Ferry: ${link} works again` : `Ferry: ${link} needs somebody`;
    const body = cleared ? `It is over: ${text}` : count > 1 ? `${text} (${count} times)` : text;
    for (const target of to) {
      try {
        if (target.webhook !== undefined) await post(deps.http, target.webhook, { link, text: body, count, cleared });
        if (target.mail !== undefined && mailer !== null) {
          await mailer.sendMail({ from: deps.mailFrom ?? 'ferry@localhost', to: target.mail, subject, text: body });
        }
      } catch (error) {
        deps.log.warn({ err: error, link }, 'a notice could not be told');
      }
    }
  };
}

async function post(http: HttpClient, url: string, notice: object): Promise<void> {
  const reply = await http.request({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(notice),
    signal: AbortSignal.timeout(timeoutMs),
    timeoutMs,
  });
  if (reply.status >= 300) throw new Error(`the webhook answered ${reply.status}`);
}
