// Loaded before each test file: what its tests have left open must not keep it running for ever. Node's own option for
// that, --test-force-exit, ends the process before all results are told, so that some are missing from the report.
import { after } from 'node:test';

/** From the end of the file's last test on. */
const graceMs = 2_000;

after(() => {
  // Does not hold the process itself; where nothing was left open it has ended before.
  setTimeout(() => process.exit(), graceMs).unref();
});
