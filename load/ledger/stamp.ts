/**
 * A stamp is the mark that each published message carries: 37 characters of `A–Z a–z 0–9 - _ ~`, at fixed places
 * `~c` run 4 · sender 4 · sequence 5 · room 4 · intended time in µs 8 · lateness in µs 5 · checksum 5, in base64url digits.
 *
 * The checksum is the low 30 bits of FNV-1a over all before it. Each step of it is a bijection of those 30 bits, so a
 * change of any single character before it is always found; so is one within it, where only digits are taken, and each
 * stands for bits of its own.
 */
export const stampLength = 37;

const latenessUsMax = 2 ** 30 - 1;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const codeOf: Uint8Array = Uint8Array.from(alphabet, (digit) => digit.charCodeAt(0));
const valueOf: Uint8Array = new Uint8Array(256).fill(255);
for (const [value, code] of codeOf.entries()) valueOf[code] = value;

const tilde = 0x7e;
const letterC = 0x63;
const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;
const low30 = 0x3fffffff;

/** What a stamp says. One object is written again and again, since one is read for each delivery. */
export interface StampFields {
  /** Of this run, 24 bits, so that a server's history of an earlier one is not mistaken for it. */
  run: number;
  sender: number;
  sequence: number;
  room: number;
  intendedUs: number;
  latenessUs: number;
}

export function emptyStamp(): StampFields {
  return { run: 0, sender: 0, sequence: 0, room: 0, intendedUs: 0, latenessUs: 0 };
}

const scratch: Buffer = Buffer.alloc(stampLength);

/** A lateness beyond 17 minutes is written as 17 minutes. */
export function encodeStamp(fields: Readonly<StampFields>): string {
  scratch[0] = tilde;
  scratch[1] = letterC;
  put(2, 4, fields.run);
  put(6, 4, fields.sender);
  put(10, 5, fields.sequence);
  put(15, 4, fields.room);
  const intendedUs = Math.round(fields.intendedUs);
  put(19, 4, Math.floor(intendedUs / 2 ** 24));
  put(23, 4, intendedUs % 2 ** 24);
  put(27, 5, Math.min(latenessUsMax, Math.max(0, Math.round(fields.latenessUs))));
  let sum = fnvOffset;
  for (let at = 0; at < 32; at += 1) sum = Math.imul(sum ^ (scratch[at] as number), fnvPrime);
  put(32, 5, sum & low30);
  return scratch.toString('latin1', 0, stampLength);
}

/** The six characters that every stamp of a run begins with. */
export function stampPrefix(run: number): Buffer {
  return Buffer.from(encodeStamp({ ...emptyStamp(), run }).slice(0, 6), 'latin1');
}

/** False when what stands there is no stamp, or one that has been changed on its way. Fills `into`. */
export function decodeStamp(stamp: string, into: StampFields): boolean {
  if (stamp.length !== stampLength) return false;
  for (let at = 0; at < stampLength; at += 1) {
    const code = stamp.charCodeAt(at);
    if (code > 127) return false;
    scratch[at] = code;
  }
  return decodeStampBytes(scratch, 0, into);
}

/** The same for bytes, from `start` on. */
export function decodeStampBytes(bytes: Uint8Array, start: number, into: StampFields): boolean {
  if (start + stampLength > bytes.length || bytes[start] !== tilde || bytes[start + 1] !== letterC) return false;
  let sum = fnvOffset;
  let seen = 0;
  for (let at = start; at < start + 32; at += 1) {
    const code = bytes[at] as number;
    sum = Math.imul(sum ^ code, fnvPrime);
    if (at >= start + 2) seen |= valueOf[code] as number;
  }
  // What is no digit has bits of its neighbour's place too, and could pass for a digit beside the right neighbour.
  for (let at = start + 32; at < start + stampLength; at += 1) seen |= valueOf[bytes[at] as number] as number;
  if (seen > 63 || five(bytes, start + 32) !== (sum & low30)) return false;
  into.run = four(bytes, start + 2);
  into.sender = four(bytes, start + 6);
  into.sequence = five(bytes, start + 10);
  into.room = four(bytes, start + 15);
  into.intendedUs = four(bytes, start + 19) * 2 ** 24 + four(bytes, start + 23);
  into.latenessUs = five(bytes, start + 27);
  return true;
}

function put(at: number, digits: number, value: number): void {
  let left = value;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    scratch[place] = codeOf[left & 63] as number;
    left >>>= 6;
  }
}

function four(bytes: Uint8Array, at: number): number {
  return (
    ((valueOf[bytes[at] as number] as number) << 18) |
    ((valueOf[bytes[at + 1] as number] as number) << 12) |
    ((valueOf[bytes[at + 2] as number] as number) << 6) |
    (valueOf[bytes[at + 3] as number] as number)
  );
}

function five(bytes: Uint8Array, at: number): number {
  return (four(bytes, at) << 6) | (valueOf[bytes[at + 4] as number] as number);
}
