// Loaded before Ferry: when whoever started it is gone without a word (kill -9), Ferry is asked to end as by SIGTERM.

function end() {
  process.kill(process.pid, 'SIGTERM');
}

if (process.channel) {
  process.once('disconnect', end);
  // Listening must not keep a command alive that has nothing left to do.
  process.channel.unref();
} else if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end();
  }, 500);
  timer.unref();
}
