/** Resumes a paused mirror. */
import { linkOfMirror, resumeMirror } from '#db/operate/operate.ts';
import { change, changed } from '#operate/change.ts';
import { isUuid } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, inReach } from '#operate/rights.ts';

/** Resumes it. @throws Refused not-paused */
export async function resume(operator: Operator, id: string): Promise<void> {
  allow(operator, 'resume');
  const link = isUuid(id) ? await linkOfMirror(operator.db, id) : null;
  if (link === null) throw notPaused(id);
  inReach(operator, link);
  const wake = await change(operator, async (tx) => {
    const resumed = await resumeMirror(tx, id);
    if (resumed === null) throw notPaused(id);
    return changed(resumed.wake, {
      what: 'resume',
      subject: `mirrors/${id}`,
      detail: { link, pausedFor: resumed.reason },
    });
  });
  await operator.wake(wake);
}

function notPaused(id: string): Refused {
  return new Refused('not-paused', 'state', `no paused mirror has the id "${id}"; ferry status lists the paused ones`);
}
