/** A scenario says which client is in which room. Plain data, as `Stage` is. */
export type Rooms = { readonly kind: string };

export interface UniformRooms {
  readonly kind: 'uniform';
  readonly rooms: number;
}
export interface ZipfRooms {
  readonly kind: 'zipf';
  readonly rooms: number;
  readonly exponent: number;
}
export interface OneRoom {
  readonly kind: 'oneRoom';
  readonly name: string;
}
export interface ExplicitRooms {
  readonly kind: 'explicit';
  readonly sizes: Readonly<Record<string, number>>;
}
export type KnownRooms = UniformRooms | ZipfRooms | OneRoom | ExplicitRooms;

/** So many rooms, as equal as the number of clients allows, named `room-0`, `room-1`, …. */
export const uniform = (rooms: number): Rooms => ({ kind: 'uniform', rooms }) as Rooms;

/** The room of rank r has a size in proportion to 1 / r^exponent; every room has a member while there are enough clients. Default exponent 1. */
export const zipf = (rooms: number, exponent: number = 1): Rooms => ({ kind: 'zipf', rooms, exponent }) as Rooms;

/** Everybody in one room, by default `room-0`. */
export const oneRoom = (name: string = 'room-0'): Rooms => ({ kind: 'oneRoom', name }) as Rooms;

/** Named rooms of these sizes; where they do not add up to the number of clients, they are proportions. */
export const explicit = (sizes: Readonly<Record<string, number>>): Rooms => ({ kind: 'explicit', sizes }) as Rooms;

/** A room's name and how many clients it has at the peak. */
export interface RoomSize {
  readonly name: string;
  readonly size: number;
}

/** The rooms of a plan with `clients` at its peak. Rooms that would have nobody are left out. */
export function roomSizes(rooms: Rooms, clients: number): readonly RoomSize[] {
  const known = rooms as KnownRooms;
  switch (known.kind) {
    case 'uniform':
      return named(
        Array.from({ length: known.rooms }, () => 1),
        clients,
      );
    case 'zipf':
      return named(
        Array.from({ length: known.rooms }, (_, index) => (index + 1) ** -known.exponent),
        clients,
      );
    case 'oneRoom':
      return [{ name: known.name, size: clients }];
    case 'explicit': {
      const names = Object.keys(known.sizes);
      const sizes = apportion(Object.values(known.sizes), clients);
      return names.map((name, index) => ({ name, size: sizes[index] as number })).filter(({ size }) => size > 0);
    }
  }
}

function named(weights: readonly number[], clients: number): RoomSize[] {
  const sizes = apportion(weights, clients);
  return sizes.map((size, index) => ({ name: `room-${index}`, size })).filter(({ size }) => size > 0);
}

/**
 * Whole numbers in proportion to the weights that add up to `total`: one each where there are enough, the rest by the
 * largest remainder, ties to the first. Weights that add up to `total` come back as they are.
 */
function apportion(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((left, right) => left + right, 0);
  if (sum === total && weights.every(Number.isInteger)) return [...weights];
  const floor = weights.filter((weight) => weight > 0).length <= total ? 1 : 0;
  const shares = weights.map((weight) => (weight * total) / sum);
  const sizes = shares.map((share, index) => ((weights[index] as number) > 0 ? Math.max(floor, Math.floor(share)) : 0));
  let left = total - sizes.reduce((before, size) => before + size, 0);
  const byRemainder = shares.map((share, index) => ({ index, remainder: share - (sizes[index] as number) }));
  byRemainder.sort((one, other) => other.remainder - one.remainder || one.index - other.index);
  for (let turn = 0; left > 0; turn = (turn + 1) % byRemainder.length) {
    const { index } = byRemainder[turn] as { index: number };
    if ((weights[index] as number) === 0) continue;
    sizes[index] = (sizes[index] as number) + 1;
    left -= 1;
  }
  for (let turn = 0; left < 0; turn = (turn + 1) % sizes.length) {
    if ((sizes[turn] as number) <= floor) continue;
    sizes[turn] = (sizes[turn] as number) - 1;
    left += 1;
  }
  return sizes;
}
