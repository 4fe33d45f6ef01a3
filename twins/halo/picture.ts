/** Draws the small screenshot that a seeded ticket carries, so that no binary file lies in the repository. */
import { crc32, deflateSync } from 'node:zlib';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: readonly [number, number, number];
}

/** A PNG of coloured boxes on white, later boxes over earlier ones. Sizes in pixels. */
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

/** A window with a red message in it: "the tunnel is down". */
export function errorDialogPng(): Buffer {
  const grey = [226, 230, 238] as const;
  const line = (y: number, width: number): Box => ({
    x: 76,
    y,
    width,
    height: 7,
    colour: [120, 130, 150],
  });
  return drawPng(320, 150, [
    { x: 0, y: 0, width: 320, height: 150, colour: [247, 248, 251] },
    { x: 0, y: 0, width: 320, height: 26, colour: [38, 62, 110] },
    { x: 10, y: 10, width: 90, height: 7, colour: [210, 220, 240] },
    { x: 300, y: 8, width: 10, height: 10, colour: [214, 69, 65] },
    { x: 24, y: 46, width: 34, height: 34, colour: [214, 69, 65] },
    { x: 39, y: 52, width: 5, height: 14, colour: [255, 255, 255] },
    { x: 39, y: 70, width: 5, height: 5, colour: [255, 255, 255] },
    line(48, 180),
    line(62, 214),
    line(76, 120),
    { x: 130, y: 112, width: 76, height: 24, colour: grey },
    { x: 220, y: 112, width: 76, height: 24, colour: [47, 111, 222] },
  ]);
}
