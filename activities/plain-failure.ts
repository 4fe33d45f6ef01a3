/**
 * Reduces a failure to its class and code before Temporal sees it, without the message. Messages of database errors
 * contain parameters, and those contain notes; Temporal stores what it is given.
 */
import { ApplicationFailure } from '@temporalio/activity';

export function plainFailure(error: unknown): ApplicationFailure {
  const causes: string[] = [];
  for (let one: unknown = error; one instanceof Error && causes.length < 5; one = one.cause) {
    const code = 'code' in one && typeof one.code === 'string' ? ` ${one.code}` : '';
    causes.push(`${one.name}${code}`);
  }
  const failure = ApplicationFailure.create({
    message: `${causes.join(', because of ') || 'unknown'}; the worker's log says more`,
    type: causes[0] ?? 'unknown',
  });
  failure.stack = '';
  return failure;
}
