/**
 * The gateway for light desks, wired like gateway/main.ts: it watches over the database's memory, and receives
 * webhooks.
 */
import { runLightGateway } from '#bench/light-gateway.ts';
import { createWitness } from '#blobs/witness.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import { createMemory } from '#db/links/memory.ts';

const config = loadConfig();
const log = makeLog({ level: config.log, name: 'gateway' });
surviveDriverFault(log);
await runLightGateway({
  config,
  log,
  version: 'faults',
  async prepare({ db }) {
    const { publicUrl } = config;
    const memory = createMemory({ db, publicUrl, witness: createWitness(config.blobs), log });
    for (;;) {
      try {
        await memory.begin();
        return;
      } catch (error) {
        log.warn({ err: error }, 'the database can’t be reached; trying again');
        await new Promise((later) => setTimeout(later, 500));
      }
    }
  },
});
