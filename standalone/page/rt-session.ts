/**
 * Logs the demo's agent in at a Request Tracker, so that nobody has to type a password. Browsers send its cookie to every
 * port of this machine, so the page can hand it to the browser, and the frame shows RT's own pages.
 */
const answerWithinMs = 10_000;

/** Logs in. @returns RT's session cookie, or null if RT refuses */
export async function rtSession(url: string, user: string, password: string): Promise<string | null> {
  const reply = await fetch(`${url}/NoAuth/Login.html`, {
    method: 'POST',
    body: new URLSearchParams({ user, pass: password }),
    redirect: 'manual',
    signal: AbortSignal.timeout(answerWithinMs),
  });
  const cookie = reply.headers.getSetCookie().findLast((one) => one.startsWith('RT_SID_')) ?? null;
  // After a refusal, RT shows its login page, which also sets a cookie.
  const isIn = reply.status < 400 && (await reply.text()).includes(`"Name":"${user}"`);
  return isIn || (reply.status >= 300 && reply.status < 400) ? cookie : null;
}
