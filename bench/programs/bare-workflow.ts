/** The least work that Temporal can do: a workflow that makes one HTTP request. */
import { proxyActivities } from '@temporalio/workflow';
import type { BareActivities } from './bare.ts';

const { note } = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' });

export async function bare(ticket: string, text: string): Promise<void> {
  await note(ticket, text);
}
