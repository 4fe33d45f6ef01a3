// Takes the place of the command line behind bin/ferry.js. Deliberately TypeScript, which an old Node could not run.
type Args = readonly string[];

const args: Args = process.argv.slice(2);
console.log(`node ${process.versions.node}`);
console.log(`args ${JSON.stringify(args)}`);
if (args[0] === 'exit') process.exitCode = Number(args[1]);
else {
  const alive = setInterval(() => {}, 60_000);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      console.log(`ending by ${signal}`);
      clearInterval(alive);
      process.exitCode = 5;
    });
  console.log(`waiting as ${process.pid}`);
}
