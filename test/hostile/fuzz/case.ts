import { deflateRawSync } from 'node:zlib';
import { encodeFrame, opcode, type RawFrame } from '../frames.ts';
import { handshake, type HeaderChanges } from '../raw-client.ts';
import { Chance, damaged, packets } from './bytes.ts';

/** What one attacker does, made from a seed and a number alone. */
export interface FuzzCase {
  readonly at: number;
  readonly kind: 'handshake' | 'sound' | 'frames' | 'damaged' | 'deflate' | 'garbage';
  readonly handshake: readonly Buffer[];
  /** Behind the handshake, once it is answered or, `eager`, at once. */
  readonly frames: readonly Buffer[];
  readonly isEager: boolean;
  /** What a server that keeps the rules sends back, in order; undefined where anything may happen. */
  readonly echoes: readonly string[] | undefined;
  /** How it leaves. */
  readonly leaves: 'end' | 'reset' | 'close';
}

const routes = [
  '/echo',
  '/echo',
  '/json',
  '/bytes',
  '/group/7',
  '/group/%C3%A9',
  '/nowhere',
  '/echo?token=secret',
  '/group/%zz',
  '/%2e%2e/echo',
];
const oddHeaders: readonly HeaderChanges[] = [
  { Upgrade: 'h2c' },
  { Upgrade: undefined },
  { Connection: undefined },
  { Host: undefined },
  { Host: ['app.test', 'other.test'] },
  { Host: 'a b' },
  { Origin: 'null' },
  { Origin: 'http://app.test.evil' },
  { 'Sec-WebSocket-Version': '8' },
  { 'Sec-WebSocket-Version': '14' },
  { 'Sec-WebSocket-Key': undefined },
  { 'Sec-WebSocket-Key': 'short' },
  { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] },
  { 'Sec-WebSocket-Protocol': '' },
  { 'Sec-WebSocket-Protocol': 'a, a' },
  { 'Sec-WebSocket-Extensions': '__proto__' },
  { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits=1e3' },
  { 'Content-Length': '5' },
  { 'Transfer-Encoding': 'chunked' },
  { 'X-Long': 'x'.repeat(20_000) },
  { 'X-Forwarded-For': "1.2.3.4, ::1, '" },
];
const starts = [
  'GET * HTTP/1.1',
  'POST /echo HTTP/1.1',
  'GET /echo HTTP/1.0',
  'GET http://app.test/echo HTTP/1.1',
  'GET //echo HTTP/1.1',
  'CONNECT app.test:80 HTTP/1.1',
  'PRI * HTTP/2.0',
];

/** @param seed with `at` it makes the same case on every machine */
export function fuzzCase(seed: number, at: number): FuzzCase {
  const chance = new Chance(seed, at);
  const draw = chance.next();
  if (draw < 0.2) return strangeHandshake(at, chance);
  if (draw < 0.4) return soundTalk(at, chance);
  const kind = draw < 0.65 ? 'frames' : draw < 0.85 ? 'damaged' : draw < 0.95 ? 'deflate' : 'garbage';
  return {
    at,
    kind,
    handshake: packets(opening(chance, kind === 'deflate'), chance),
    frames: packets(attack(kind, chance), chance),
    isEager: chance.is(0.3),
    echoes: undefined,
    leaves: chance.pick(['end', 'end', 'reset', 'close']),
  };
}

function opening(chance: Chance, deflates: boolean): Buffer {
  const path = chance.pick(routes.slice(0, 5));
  return Buffer.from(
    handshake(`GET ${path} HTTP/1.1`, deflates ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {}),
  );
}

function strangeHandshake(at: number, chance: Chance): FuzzCase {
  const start = chance.is(0.3) ? chance.pick(starts) : `GET ${chance.pick(routes)} HTTP/1.1`;
  const changes = Object.assign(
    {},
    ...Array.from({ length: chance.int(3) }, () => chance.pick(oddHeaders)),
  ) as HeaderChanges;
  const bytes = Buffer.from(handshake(start, changes));
  return {
    at,
    kind: 'handshake',
    handshake: packets(chance.is(0.4) ? damaged(bytes, chance) : bytes, chance),
    frames: [],
    isEager: true,
    echoes: undefined,
    leaves: chance.pick(['end', 'reset']),
  };
}

/** A talk that keeps the rules: fragments, pings between them, every length. All of it must come back. */
function soundTalk(at: number, chance: Chance): FuzzCase {
  const echoes: string[] = [];
  const frames: Buffer[] = [];
  for (let left = 1 + chance.int(5); left > 0; left -= 1) {
    const said = `${at}:${left}:${'é'.repeat(chance.length() >> 1)}`;
    echoes.push(said);
    frames.push(
      ...(chance.is(0.3) ? fragments(said, chance) : [framed({ opcode: opcode.text, payload: said }, chance)]),
    );
    if (chance.is(0.2)) frames.push(framed({ opcode: opcode.ping, payload: chance.bytes(chance.int(126)) }, chance));
  }
  return {
    at,
    kind: 'sound',
    handshake: packets(Buffer.from(handshake('GET /echo HTTP/1.1')), chance),
    frames: packets(Buffer.concat(frames), chance),
    isEager: chance.is(0.3),
    echoes,
    leaves: chance.pick(['end', 'reset', 'close']),
  };
}

function fragments(said: string, chance: Chance): Buffer[] {
  const bytes = Buffer.from(said);
  const cut = chance.int(bytes.byteLength + 1);
  return [
    framed({ opcode: opcode.text, payload: bytes.subarray(0, cut), isFinal: false }, chance),
    ...(chance.is(0.3) ? [framed({ opcode: opcode.ping, payload: 'amid' }, chance)] : []),
    framed({ opcode: opcode.continuation, payload: bytes.subarray(cut) }, chance),
  ];
}

function attack(kind: FuzzCase['kind'], chance: Chance): Buffer {
  if (kind === 'garbage') return chance.bytes(1 + chance.int(2_000));
  const frames = Array.from({ length: 1 + chance.int(8) }, () => oddFrame(kind, chance));
  const bytes = Buffer.concat(frames);
  return kind === 'damaged' ? damaged(bytes, chance) : bytes;
}

function oddFrame(kind: FuzzCase['kind'], chance: Chance): Buffer {
  if (kind === 'damaged' || chance.is(0.4))
    return framed({ opcode: opcode.text, payload: `{"n":${chance.int(1_000)}}` }, chance);
  if (kind === 'deflate') {
    const plain = Buffer.alloc(chance.pick([0, 10, 5_000, 3_000_000]), 'a');
    const packed = deflateRawSync(plain);
    const payload = chance.is(0.5) ? packed : damaged(packed, chance);
    return framed({ opcode: opcode.text, reserved: 0x40, payload, isFinal: chance.is(0.9) }, chance);
  }
  if (chance.is(0.15)) {
    const code = chance.pick([0, 999, 1000, 1004, 1005, 1006, 1015, 2999, 3000, 4999, 5000]);
    const payload = Buffer.concat([Buffer.of(code >> 8, code & 0xff), chance.bytes(chance.int(10))]);
    return framed({ opcode: opcode.close, payload }, chance);
  }
  const frame: RawFrame = {
    opcode: chance.is(0.7) ? chance.pick([0, 1, 2, 8, 9, 10]) : chance.int(16),
    payload: chance.bytes(chance.length()),
    isFinal: chance.is(0.7),
    reserved: chance.is(0.85) ? 0 : chance.pick([0x10, 0x20, 0x40, 0x70]),
    isMasked: chance.is(0.9),
  };
  const claims = [0n, 126n, 65_536n, 2n ** 32n, 2n ** 62n, 2n ** 63n];
  return framed(chance.is(0.9) ? frame : { ...frame, claimedBytes: chance.pick(claims) }, chance);
}

function framed(frame: RawFrame, chance: Chance): Buffer {
  return encodeFrame({ ...frame, mask: chance.bytes(4) });
}
