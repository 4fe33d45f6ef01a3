// Loaded before each test file, so that what its tests have left open cannot keep it running. Node's own
// option for that, --test-force-exit, ends the process before all results are reported, so that some are missing.
import { after } from 'node:test';

/** From the end of the file's last test on. */
const graceMs = 2_000;

after(() => {
  // Does not keep the process alive itself; if nothing was left open, the process has ended before.
  setTimeout(() => process.exit(), graceMs).unref();
});
