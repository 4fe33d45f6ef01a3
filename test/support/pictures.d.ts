// The parts used of two packages that have no types.
declare module 'gifenc' {
  type Palette = readonly (readonly number[])[];
  type Encoder = {
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: {
        readonly palette?: Palette;
        readonly delay?: number;
        readonly transparent?: boolean;
        readonly transparentIndex?: number;
      },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  const gifenc: {
    GIFEncoder(): Encoder;
    quantize(rgba: Uint8Array, colours: number, options?: { readonly format?: string }): Palette;
    applyPalette(rgba: Uint8Array, palette: Palette, format?: string): Uint8Array;
  };
  export default gifenc;
}

declare module 'pngjs' {
  export class PNG {
    static readonly sync: { read(file: Buffer): PNG };
    readonly width: number;
    readonly height: number;
    readonly data: Buffer;
  }
}
