import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { closeCode } from '../../src/protocol/close-code.ts';
import { encodePayload, frameOf } from '../../src/protocol/codec.ts';
import { portion } from '../../src/time/turn.ts';
import type { PayloadType } from '../../src/protocol/payload.ts';

const root = new URL('../../', import.meta.url);
const document = readFileSync(new URL('docs/semantics.md', root), 'utf8');

const rowsAfter = (heading: string): string[][] => {
  const [, after = ''] = document.split(heading);
  const table = after.split('\n').slice(after.split('\n').findIndex((line) => line.trim().startsWith('|')));
  const end = table.findIndex((line) => !line.trim().startsWith('|'));
  return table.slice(2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
};

/** What a payload becomes at a channel of that kind, in the document's words. */
function fate(payload: unknown, type: PayloadType): string {
  let frame;
  try {
    frame = frameOf(encodePayload(payload), type);
  } catch (error) {
    return `\`${(error as { code: string }).code}\``;
  }
  const { data } = frame as unknown as { readonly data: string | Uint8Array };
  const text = typeof data === 'string' ? data : Buffer.from(data).toString();
  const isJson = text === JSON.stringify(payload) && !(payload instanceof Uint8Array);
  if (frame.type === 'bytes')
    return isJson ? 'its JSON text in UTF-8' : typeof payload === 'string' ? 'UTF-8' : 'as they are';
  return isJson ? 'its JSON text' : 'as it is';
}

describe('docs/semantics.md', () => {
  test('says of each payload what the codec makes of it', () => {
    const payloads = { 'a string': 'hi', bytes: Uint8Array.of(1, 2), 'anything else': { a: 1 } };
    const made = Object.entries(payloads).map(([name, payload]) => [
      name,
      ...(['json', 'text', 'bytes'] as const).map((type) => fate(payload, type)),
    ]);
    expect(rowsAfter('## Payloads').map((row) => row.map((cell) => cell.replace(', `"hi"`', '')))).toEqual(made);
  });

  test('says how much a turn takes before it is given away', () => {
    const [, messages, kibibytes] = /has sent (\d+) messages or (\d+) KiB in one turn/.exec(document) ?? [];
    expect([Number(messages), Number(kibibytes) * 1024]).toEqual([portion.messages, portion.bytes]);
  });

  test('names no close code that has no name in the code', () => {
    const named = [...document.matchAll(/\b(1\d{3}|4\d{3})\b(?! ?(bytes|MiB))/g)].map(([code]) => Number(code));
    const known: readonly number[] = Object.values(closeCode);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((code) => !known.includes(code))).toEqual([]);
  });

  test('writes no name as code that the sources do not have', () => {
    const files = ['src', 'testing'].flatMap((tree) =>
      readdirSync(new URL(`${tree}/`, root), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(new URL(`${tree}/${file}`, root), 'utf8')),
    );
    const words = new Set(files.flatMap((text) => text.match(/\w+/g) ?? []));
    const names = [...document.matchAll(/`(\w+)`/g)].map((match) => match[1] as string);
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !words.has(name))).toEqual([]);
  });
});
