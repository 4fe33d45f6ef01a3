/** Draws the small screenshot of a seeded ticket, so that the repository needs no binary file. */
import type { Box } from './box.ts';
import { crc32, deflateSync } from 'node:zlib';
import { lettering } from './lettering.ts';

/** Draws a PNG of coloured boxes on white, later boxes over earlier ones. Sizes are in pixels. */
export function drawPng(width: number, height: number, boxes: readonly Box[]): Buffer {
  const rows = Buffer.alloc((width * 3 + 1) * height, 255);
  for (let y = 0; y < height; y++) rows[y * (width * 3 + 1)] = 0;
  for (const box of boxes) {
    for (let y = box.y; y < box.y + box.height; y++) {
      for (let x = box.x; x < box.x + box.width; x++) rows.set(box.colour, y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

const paper = [250, 251, 253] as const;
const ink = [45, 52, 66] as const;
const quiet = [98, 107, 124] as const;
const white = [255, 255, 255] as const;
const red = [205, 58, 54] as const;
const blue = [45, 104, 214] as const;
const frame = [203, 209, 220] as const;

/** Returns a box with its corners cut off, like a button. */
function rounded(box: Box, outside: Box['colour']): Box[] {
  const { x, y, width, height } = box;
  const right = x + width;
  const bottom = y + height;
  const nick = (left: number, top: number, wide: number, high: number): Box => ({
    x: left,
    y: top,
    width: wide,
    height: high,
    colour: outside,
  });
  return [
    box,
    ...[nick(x, y, 3, 1), nick(x, y, 1, 3), nick(right - 3, y, 3, 1), nick(right - 1, y, 1, 3)],
    ...[nick(x, bottom - 1, 3, 1), nick(x, bottom - 3, 1, 3)],
    ...[nick(right - 3, bottom - 1, 3, 1), nick(right - 1, bottom - 3, 1, 3)],
  ];
}

/** Draws a VPN client's window that reports a lost connection. */
export function errorDialogPng(): Buffer {
  const [width, height] = [540, 224];
  return drawPng(width, height, [
    { x: 0, y: 0, width, height, colour: frame },
    { x: 1, y: 1, width: width - 2, height: height - 2, colour: paper },
    { x: 1, y: 1, width: width - 2, height: 37, colour: [33, 47, 84] },
    ...lettering('Acme VPN', 16, 12, white),
    ...rounded({ x: width - 34, y: 9, width: 22, height: 22, colour: red }, [33, 47, 84]),
    ...[0, 1, 2, 3, 4, 5].flatMap((step) => [
      { x: width - 29 + step * 2, y: 14 + step * 2, width: 2, height: 2, colour: white },
      { x: width - 19 - step * 2, y: 14 + step * 2, width: 2, height: 2, colour: white },
    ]),
    ...rounded({ x: 24, y: 62, width: 46, height: 46, colour: red }, paper),
    { x: 44, y: 71, width: 6, height: 18, colour: white },
    { x: 44, y: 94, width: 6, height: 6, colour: white },
    ...lettering('Connection lost', 90, 62, ink, 3),
    ...lettering('The tunnel was closed after 3600 s.', 90, 98, quiet, 2),
    ...lettering('Error 809: no answer from gateway', 90, 122, quiet, 2),
    { x: 1, y: 162, width: width - 2, height: 1, colour: frame },
    ...rounded({ x: 286, y: 176, width: 90, height: 34, colour: [226, 230, 238] }, paper),
    ...lettering('Close', 302, 186, ink),
    ...rounded({ x: 386, y: 176, width: 138, height: 34, colour: blue }, paper),
    ...lettering('Reconnect', 402, 186, white),
  ]);
}
