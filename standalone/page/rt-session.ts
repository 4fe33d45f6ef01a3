/**
 * Logs the demo's agent in at a Request Tracker, so that nobody has to be told a password. Its cookie is for this machine
 * whatever the port, so the page may hand it to the browser, and the frame shows RT's own pages.
 */
const answerWithinMs = 10_000;

/** @returns the session's cookie as RT sets it; null where it lets nobody in */
export async function rtSession(url: string, user: string, password: string): Promise<string | null> {
  const reply = await fetch(`${url}/NoAuth/Login.html`, {
    method: 'POST',
    body: new URLSearchParams({ user, pass: password }),
    redirect: 'manual',
    signal: AbortSignal.timeout(answerWithinMs),
  });
  const cookie = reply.headers.getSetCookie().findLast((one) => one.startsWith('RT_SID_')) ?? null;
  // A page that is refused asks for the name and the password again, with a cookie, too.
  const isIn = reply.status < 400 && (await reply.text()).includes(`"Name":"${user}"`);
  return isIn || (reply.status >= 300 && reply.status < 400) ? cookie : null;
}
