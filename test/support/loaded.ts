/** Which files of the repository a program loads. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.join(import.meta.dirname, '../..');

/**
 * Repository paths, forward slashes, sorted: what a fresh Node loads while it runs the statements, types not counted.
 * @param statements of a module in the root of the repository, such as `await import('#core/wire.ts')`
 */
export async function filesLoadedBy(statements: string): Promise<readonly string[]> {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { href } = new URL('.', ${JSON.stringify(`file://${root}/package.json`)});
    ${statements};
    const own = loaded.filter((url) => url.startsWith(href) && !url.includes('/node_modules/'));
    process.stdout.write(JSON.stringify(own.map((url) => url.slice(href.length)).sort()), () => process.exit(0));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as readonly string[];
}
