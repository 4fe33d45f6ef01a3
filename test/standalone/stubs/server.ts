// Takes the place of the gateway and of a twin: answers on its port, and ends when asked.
import { createServer } from 'node:http';

const at = process.argv.indexOf('--port');
const port = Number(at === -1 ? process.env['FERRY_PORT'] : process.argv[at + 1]);
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ pid: process.pid, database: process.env['DATABASE_URL'] ?? null }));
});
// The gateway and a twin say in words of their own that they are ready.
const said = at === -1 ? { ready: true } : { url: `http://127.0.0.1:${port}` };
server.listen(port, '127.0.0.1', () => console.log(JSON.stringify(said)));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
