/** Letters of five by seven dots, only those that the seeded screenshot needs. */
import type { Box } from './box.ts';

/**
 * Each character is a list of rows from the top, whose five bits are the dots from the left; `0` to `9`, then `a` (10)
 * to `v` (31).
 */
const letters = new Map(
  Object.entries({
    ...{
      A: 'ehhvhhh',
      C: 'ehggghe',
      E: 'vgguggv',
      N: 'hpljhhh',
      P: 'uhhuggg',
      R: 'uhhukih',
      T: 'v444444',
      V: 'hhhhha4',
    },
    ...{
      a: '00e1fhf',
      c: '00egghe',
      d: '11fhhhf',
      e: '00ehvge',
      f: '698s888',
      g: '00fhhf1e',
      h: 'gguhhhh',
      i: '40c444e',
    },
    ...{
      l: 'c44444e',
      m: '00qllll',
      n: '00uhhhh',
      o: '00ehhhe',
      r: '00mpggg',
      s: '00fge1u',
      t: '88s8896',
      u: '00hhhjd',
    },
    ...{ w: '00hhlla', y: '00hhhf1e', '.': '00000cc', ':': '0cc0cc0' },
    ...{ 0: 'ehjlphe', 3: 'eh161he', 6: '68guhhe', 8: 'ehhehhe', 9: 'ehhf12c' },
  }),
);

/** Returns the boxes of a text; `dot` is the size of one dot in pixels. A character without letters leaves a gap. */
export function lettering(text: string, x: number, y: number, colour: Box['colour'], dot = 2): Box[] {
  return text.split('').flatMap((character, index) =>
    (letters.get(character) ?? '').split('').flatMap((row, down) => {
      const bits = Number.parseInt(row, 32);
      return [0, 1, 2, 3, 4]
        .filter((across) => ((bits >> (4 - across)) & 1) === 1)
        .map((across) => ({
          x: x + (index * 6 + across) * dot,
          y: y + down * dot,
          width: dot,
          height: dot,
          colour,
        }));
    }),
  );
}
