/**
 * For `--watch` of a twin that runs as a process: the twin ends with code 1 if one of the requests was outside the
 * vendor's OpenAPI, and names it. At its end it prints how many kinds of requests there were.
 */
import { createRequestCheck } from './valid-requests.ts';

const requests = createRequestCheck();
export const { watch } = requests;

process.once('exit', () => {
  console.log(JSON.stringify({ kindsOfRequests: requests.met.size }));
  try {
    requests.assertValid();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
});
