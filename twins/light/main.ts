/**
 * The lightest desk as a process: `node twins/light/main.ts NAME [PORT]`. It prints one line of JSON when it is ready.
 */
import { startDesk } from './server.ts';

const [name = 'desk', port = '0'] = process.argv.slice(2);
const desk = await startDesk({ name, port: Number(port) });
process.stdout.write(`${JSON.stringify({ ready: true, url: desk.url })}\n`);
const stop = (): void => void desk.close();
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
