/**
 * What Temporal is told of a failure: its sort and code, never a message. Messages of database errors hold parameters,
 * and those hold notes; Temporal keeps what it is told.
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
