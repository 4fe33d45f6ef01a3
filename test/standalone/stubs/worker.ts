// Takes the place of the worker: reports that it is ready and stays until asked to end.
const alive = setInterval(() => {}, 60_000);
process.once('SIGTERM', () => clearInterval(alive));
console.log(JSON.stringify({ ready: true }));
