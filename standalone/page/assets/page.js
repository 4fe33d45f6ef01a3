// Says when the server is gone. Everything else is done by htmx.
(() => {
  const lost = () => document.getElementById('lost');
  document.addEventListener('htmx:sseError', () => lost()?.removeAttribute('hidden'));
  document.addEventListener('htmx:sseOpen', () => lost()?.setAttribute('hidden', ''));
})();
