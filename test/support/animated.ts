// A short animated picture of screenshots of one size, small enough for a README.
import { readFile, writeFile } from 'node:fs/promises';

import gifenc from 'gifenc';
import { PNG } from 'pngjs';

export type Still = { readonly file: string; readonly forMs: number };

/** @param width of the result in pixels; the stills are scaled down to it */
export async function writeAnimated(stills: readonly Still[], target: string, width: number): Promise<void> {
  const encoder = gifenc.GIFEncoder();
  for (const { file, forMs } of stills) {
    const { data, height } = scaled(PNG.sync.read(await readFile(file)), width);
    const palette = gifenc.quantize(data, 128, { format: 'rgb444' });
    encoder.writeFrame(gifenc.applyPalette(data, palette, 'rgb444'), width, height, { palette, delay: forMs });
  }
  encoder.finish();
  await writeFile(target, encoder.bytes());
}

/** The mean of the pixels that become one. */
function scaled(png: PNG, width: number): { data: Uint8Array; height: number } {
  const height = Math.round((png.height * width) / png.width);
  const data = new Uint8Array(width * height * 4);
  const [stepX, stepY] = [png.width / width, png.height / height];
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const sum = [0, 0, 0];
      let count = 0;
      for (let v = Math.floor(y * stepY); v < Math.max(Math.floor((y + 1) * stepY), Math.floor(y * stepY) + 1); v += 1)
        for (
          let u = Math.floor(x * stepX);
          u < Math.max(Math.floor((x + 1) * stepX), Math.floor(x * stepX) + 1);
          u += 1
        ) {
          const at = (v * png.width + u) * 4;
          for (const channel of [0, 1, 2]) sum[channel] = (sum[channel] ?? 0) + (png.data[at + channel] ?? 0);
          count += 1;
        }
      const to = (y * width + x) * 4;
      for (const channel of [0, 1, 2]) data[to + channel] = Math.round((sum[channel] ?? 0) / count);
      data[to + 3] = 255;
    }
  return { data, height };
}
