/** One connection of this process that is in a room. */
export interface Attendee {
  /** It has missed messages that nobody gives back. */
  reset(): void;
}

/**
 * Who is in each room of this process. A crowd of n is counted n times while it gathers, so a count must cost the
 * same however many there are; `members()` of the box, which lists them, costs n. Over several nodes, ask the box.
 */
export class Attendance {
  readonly #rooms = new Map<string, Set<Attendee>>();

  /** @returns how many there are then */
  enter(room: string, attendee: Attendee): number {
    const attendees = this.#rooms.get(room) ?? new Set();
    this.#rooms.set(room, attendees.add(attendee));
    return attendees.size;
  }

  leave(room: string, attendee: Attendee): void {
    const attendees = this.#rooms.get(room);
    attendees?.delete(attendee);
    if (attendees?.size === 0) this.#rooms.delete(room);
  }

  count(room: string): number {
    return this.#rooms.get(room)?.size ?? 0;
  }

  /** Tells everybody here that the room's messages have a hole. */
  reset(room: string): void {
    for (const attendee of this.#rooms.get(room) ?? []) attendee.reset();
  }
}
