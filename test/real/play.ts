import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
import { startRt } from './rt.ts';
let t = Date.now();
const a = await startRt({ name: 'acme.example' });
console.log('first', Date.now() - t);
t = Date.now();
const b = await startRt({
  name: 'northwind.example',
  timezone: 'America/New_York',
  agents: [
    { name: 'nora', realName: 'Nora Nord' },
    { name: 'nick', realName: 'Nick North' },
  ],
});
console.log('second', Date.now() - t);
console.log(
  JSON.stringify(
    {
      a: { url: a.restUrl, token: a.token, agent: a.agents, dir: a.dir },
      b: { url: b.restUrl, token: b.token, agents: b.agents, dir: b.dir },
    },
    null,
    1,
  ),
);
process.on('SIGTERM', async () => {
  await a.stop();
  await b.stop();
  process.exit(0);
});
setInterval(() => {
  require('node:fs').writeFileSync('/tmp/play.rtlog', a.log() + '\n---B\n' + b.log());
}, 300);
