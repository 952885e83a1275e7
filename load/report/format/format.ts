/** Numbers read the same in the text table, on the page and in messages, in no locale. */

const thin = '\u202f';

/** `1 234 567`, with a space that does not break. */
export function whole(value: number): string {
  const digits = Math.abs(Math.round(value)).toString();
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, thin);
  return value < 0 && Math.round(value) !== 0 ? `−${grouped}` : grouped;
}

/** Three digits, in the unit that fits: `0.42 ms`, `18.4 ms`, `1.23 s`. */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 999.5) return `${number(value / 1_000)}${thin}s`;
  return `${number(value)}${thin}ms`;
}

/** A number of any size in at most three significant digits, whole above 100. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return whole(value);
  const text = value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** `99.9 %`: as many nines as the value has, and no more. */
export function share(fraction: number): string {
  return `${Number((fraction * 100).toFixed(6))}${thin}%`;
}

/** `1:05`, `12:00:03`. */
export function clockTime(elapsedMs: number): string {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `1.2 MiB` */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(value) / Math.log(1_024)));
  return `${number(value / 1_024 ** power)}${thin}${units[power] ?? 'B'}`;
}
