// Loaded before Ferry: if the starting process dies without notice (kill -9), this ends Ferry as SIGTERM would.

function end() {
  process.kill(process.pid, 'SIGTERM');
}

if (process.channel) {
  process.once('disconnect', end);
  // Listening must not keep a finished command alive.
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
