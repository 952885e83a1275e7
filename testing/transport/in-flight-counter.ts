import type { Upgrade } from '../../src/index.ts';
import type { Link, LinkEvents } from './link.ts';
import type { WsLink } from './ws-link.ts';

/**
 * One connection is counted as both its ends report it. It rests when each frame that one end sent has come out at the
 * other, or cannot because the other does not read; a FIN carries no byte, so both ends must have seen the end.
 */
export class InFlightCounter {
  readonly link: WsLink;
  clientSent = 0;
  clientGot = 0;
  serverSent = 0;
  serverGot = 0;
  pings = 0;
  hasArrived = false;
  isAnswered = false;
  hasOpened = false;
  clientIsOver = false;
  clientCloses = false;
  serverIsOver = false;
  serverCloses = false;
  serverIsPaused = false;
  client: { readonly host: string; readonly port: number } | undefined;
  upgrade: Upgrade | undefined;
  onAsked: ((upgrade: Upgrade) => void) | undefined;

  constructor(link: (inFlight: InFlightCounter) => WsLink) {
    this.link = link(this);
  }

  /**
   * The server's end is over. Without a handshake, a client that does not read would never notice: a socket that is paused
   * tells of no reset. It is told, and what it has not read is lost, as over memory.
   */
  serverEnded(wasClean: boolean): void {
    this.serverIsOver = true;
    if (!wasClean && this.link.isPaused && !this.clientIsOver) this.link.drop();
  }

  get isInFlight(): boolean {
    if (!this.hasArrived) return !this.clientIsOver;
    if (!this.isAnswered) return this.clientIsOver && !this.hasBeenLeft;
    if (!this.hasOpened && !this.clientIsOver) return true;
    return this.#isOnItsWayToServer || this.#isOnItsWayToClient;
  }

  /** Nothing will happen to it any more. */
  get isOver(): boolean {
    return this.clientIsOver && (this.serverIsOver || !this.hasArrived || this.hasBeenLeft);
  }

  /** Its client has left before it was answered, and the server knows. */
  get hasBeenLeft(): boolean {
    return !this.isAnswered && this.upgrade?.signal.aborted === true;
  }

  get #isOnItsWayToServer(): boolean {
    if (this.serverIsOver || this.serverIsPaused) return false;
    return this.clientSent > this.serverGot || this.clientCloses || this.clientIsOver;
  }

  get #isOnItsWayToClient(): boolean {
    if (this.clientIsOver || this.link.isPaused) return false;
    return (
      this.serverSent > this.clientGot ||
      (this.pings > 0 && !this.serverIsPaused) ||
      this.serverCloses ||
      this.serverIsOver
    );
  }
}

/** Counts what the client gets. */
export function counted(events: LinkEvents, inFlight: InFlightCounter): LinkEvents {
  return {
    opened: (answer) => {
      inFlight.hasOpened = true;
      events.opened(answer);
    },
    refused: (answer) => {
      inFlight.clientIsOver = true;
      events.refused(answer);
    },
    frame: (message) => {
      inFlight.clientGot += 1;
      events.frame(message);
    },
    closed: (code, reason, wasClean) => {
      inFlight.clientIsOver = true;
      events.closed(code, reason, wasClean);
    },
  };
}

/** Counts what the client sends. */
export class CountedLink implements Link {
  readonly #inFlight: InFlightCounter;

  constructor(inFlight: InFlightCounter) {
    this.#inFlight = inFlight;
  }

  send(data: string | Uint8Array): void {
    this.#inFlight.clientSent += 1;
    this.#inFlight.link.send(data);
  }

  close(code: number | undefined, reason: string): void {
    this.#inFlight.clientCloses = true;
    this.#inFlight.link.close(code, reason);
  }

  drop(): void {
    this.#inFlight.link.drop();
  }

  pause(): void {
    this.#inFlight.link.pause();
  }

  resume(): void {
    this.#inFlight.link.resume();
  }
}
