/**
 * Halo keeps a UUID with each action, so a write's marker travels as one. Ferry's own markers, `<delivery>-<step>` with
 * a version 7 UUID, can be read back from it: the six bits that only say "version 7" carry the step. Others are hashed,
 * and known again only by the process that wrote them and by `guidOf`.
 */
import { createBoundedCache } from '#connectors/kit/bounded-cache.ts';
import { sha256Hex } from '#core/text/fingerprint.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const numbered = /^([0-9a-f]{8}-[0-9a-f]{4}-)7([0-9a-f]{3}-)([89ab])([0-9a-f]{3}-[0-9a-f]{12})-(\d{1,2})$/;
const mostKept = 10_000;

const written = createBoundedCache<string>(mostKept);

/** The UUID that stands for a marker, always the same. */
export function guidOf(marker: string): string {
  const guid = encode(marker.toLowerCase(), marker);
  written.set(guid, marker);
  return guid;
}

/** True for one that Halo made up by itself: of the random kind, and of no write that this process knows. */
export function isForeign(guid: string): boolean {
  const lower = guid.toLowerCase();
  return lower === '' || (/^.{14}4.{4}[89ab]/.test(lower) && !written.has(lower));
}

/** The marker a UUID stands for; for one that no write has made, something that is nobody's marker. */
export function markerOf(guid: string): string {
  const lower = guid.toLowerCase();
  return written.get(lower) ?? decode(lower);
}

function encode(lower: string, marker: string): string {
  if (uuid.test(lower)) return lower;
  const [, start = '', middle = '', variant = '', end = '', step = ''] = numbered.exec(lower) ?? [];
  const number = Number(step);
  if (step !== '' && number < 64 && step === String(number)) {
    const nibble = ((number >> 4) << 2) | (Number.parseInt(variant, 16) & 0x3);
    return `${start}${(number & 0xf).toString(16)}${middle}${nibble.toString(16)}${end}`;
  }
  const hex = sha256Hex(`ferry marker ${marker}`);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

function decode(guid: string): string {
  if (!uuid.test(guid)) return guid;
  const version = Number.parseInt(guid.charAt(14), 16);
  const nibble = Number.parseInt(guid.charAt(19), 16);
  const variant = (0x8 | (nibble & 0x3)).toString(16);
  return `${guid.slice(0, 14)}7${guid.slice(15, 19)}${variant}${guid.slice(20)}-${((nibble >> 2) << 4) | version}`;
}
