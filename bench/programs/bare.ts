/** A worker that has only the bare workflow: `node bare.ts ADDRESS NAMESPACE DESK_URL`. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createHttpClient } from '#connectors/kit/http.ts';

const [address = '', namespace = '', desk = ''] = process.argv.slice(2);

export type BareActivities = { note(ticket: string, text: string): Promise<void> };

Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: ['SIGTERM', 'SIGINT'] });
const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
const activities: BareActivities = {
  async note(ticket, text) {
    const reply = await http.request({
      method: 'POST',
      notAfter: null,
      url: `${desk}/tickets/${ticket}/actions`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ note: text, by: 'service' }),
      signal: AbortSignal.timeout(10_000),
    });
    if (reply.status !== 201) throw new Error(`the desk answered ${reply.status}`);
  },
};
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: 'bare',
  workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
  activities,
});
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
await worker.run();
await connection.close();
await http.close();
