/** A rectangle of a drawn picture, in pixels from its upper left corner; colours are red, green and blue, 0 to 255. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: readonly [number, number, number];
}
