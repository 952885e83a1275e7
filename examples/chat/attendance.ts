/**
 * How many are in each room of this process. A crowd of n is counted n times while it gathers, so a count must cost the
 * same however many there are; `members()` of the box, which lists them, costs n. Over several nodes, ask the box.
 */
export class Attendance {
  readonly #rooms = new Map<string, number>();

  /** @returns how many there are then */
  enter(room: string): number {
    const users = this.count(room) + 1;
    this.#rooms.set(room, users);
    return users;
  }

  leave(room: string): void {
    const users = this.count(room) - 1;
    if (users > 0) this.#rooms.set(room, users);
    else this.#rooms.delete(room);
  }

  count(room: string): number {
    return this.#rooms.get(room) ?? 0;
  }
}
