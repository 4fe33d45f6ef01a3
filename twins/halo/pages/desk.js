// What the pages do beyond htmx: a picture that is pasted or dropped into a note becomes a file of its form, times are
// shown in the reader's zone, the live connection rests while nobody looks. Everything works without this file.

const pictureTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

function showTimes(root) {
  for (const element of root.querySelectorAll('time[datetime]')) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const clock = at.toLocaleTimeString('en-GB');
    const isToday = at.toDateString() === new Date().toDateString();
    const day = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
    element.textContent = isToday ? clock : `${day}, ${clock}`;
  }
}

/** Pictures become files of the field `picture`; `[picture 1]` in the note says where each one belongs. */
function addPictures(area, pictures) {
  const field = area.form?.elements.namedItem('picture');
  if (field === null || field === undefined) return;
  const files = new DataTransfer();
  for (const file of field.files) files.items.add(file);
  for (const picture of pictures) {
    const number = files.items.length + 1;
    const ending = picture.type.split('/')[1];
    files.items.add(new File([picture], `pasted-${number}.${ending}`, { type: picture.type }));
    area.setRangeText(`[picture ${number}]`, area.selectionStart, area.selectionEnd, 'end');
  }
  field.files = files.files;
  showPreviews(field);
}

function showPreviews(field) {
  const place = field.form.querySelector('[data-previews]');
  if (place === null) return;
  for (const image of place.querySelectorAll('img')) URL.revokeObjectURL(image.src);
  place.replaceChildren();
  for (const [index, file] of [...field.files].entries()) {
    if (!pictureTypes.has(file.type)) continue;
    const figure = document.createElement('figure');
    const image = document.createElement('img');
    image.src = URL.createObjectURL(file);
    image.alt = `Picture ${index + 1}: ${file.name}`;
    const caption = document.createElement('figcaption');
    caption.textContent = `picture ${index + 1}`;
    figure.append(image, caption);
    place.append(figure);
  }
}

function takePictures(event, data) {
  const area = event.target;
  if (!(area instanceof HTMLTextAreaElement) || !('paste' in area.dataset) || data === null) return;
  const pictures = [...data.files].filter((file) => pictureTypes.has(file.type));
  if (pictures.length === 0) return;
  event.preventDefault();
  addPictures(area, pictures);
}

document.addEventListener('paste', (event) => takePictures(event, event.clipboardData));
document.addEventListener('drop', (event) => takePictures(event, event.dataTransfer));
document.addEventListener('change', (event) => {
  if (event.target instanceof HTMLInputElement && event.target.name === 'picture') showPreviews(event.target);
});
// Ctrl+Enter (or Cmd+Enter) in a note sends its form.
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  if (event.target instanceof HTMLTextAreaElement) event.target.form?.requestSubmit();
});
/**
 * A connection that listens while the page is seen: a browser has few of them for one desk, and pages in the back would
 * use them up. The desk says `connected` at each start, so nothing that happened meanwhile is missed.
 */
function listenWhileSeen(url) {
  const source = new EventTarget();
  const heard = new Set();
  const add = source.addEventListener.bind(source);
  const pass = ({ type, data }) => source.dispatchEvent(new MessageEvent(type, { data }));
  let connection = null;
  const close = () => {
    connection?.close();
    connection = null;
  };
  const open = () => {
    if (connection !== null || document.hidden) return;
    connection = new EventSource(url);
    connection.onerror = () => {
      if (connection?.readyState !== EventSource.CLOSED) return;
      close();
      setTimeout(open, 2000);
    };
    for (const name of heard) connection.addEventListener(name, pass);
  };
  source.addEventListener = (name, listener) => {
    add(name, listener);
    if (!heard.has(name)) connection?.addEventListener(name, pass);
    heard.add(name);
  };
  source.close = close;
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  window.addEventListener('pagehide', close);
  window.addEventListener('pageshow', open);
  open();
  return source;
}

/** Where somebody is to write next; a page in a frame does not take the focus from the one around it. */
function focusIn(root) {
  if (document.hasFocus()) root.querySelector('[data-focus]')?.focus();
}

// Deferred scripts run before htmx looks at the page.
window.htmx.createEventSource = listenWhileSeen;
document.addEventListener('htmx:load', ({ detail: { elt } }) => {
  showTimes(elt);
  focusIn(elt);
  if (elt.id === 'act') elt.querySelector('form')?.scrollIntoView({ block: 'nearest' });
});
showTimes(document);
focusIn(document);
