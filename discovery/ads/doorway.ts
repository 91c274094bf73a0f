import { createServer, type Socket } from "node:net";

export interface DoorwayLimits {
  /** Connections at once. */
  readonly connections: number;
  /** Of one address, connections at once on which no stream was let in; half a handshake is one of them. */
  readonly idleOfAddress: number;
  /** How long a connection may be without a stream that was let in. */
  readonly idleMs: number;
}

/**
 * A token may be looked at for 5 seconds, and its Pod be waited for for 10. Proxies of a whole cluster come from as many
 * addresses, and at once; through a gateway they may share one.
 */
export const defaultLimits: DoorwayLimits = { connections: 20_000, idleOfAddress: 1_000, idleMs: 30_000 };

/** Why a connection is turned away. */
export type TurnedAway = "too-many-connections" | "no-stream";

/**
 * The port, before anybody has said who they are: who opens connections and no more, whatever they send on them, costs
 * a bounded number of sockets for a bounded time.
 */
export interface Doorway {
  listen(address: string, port: number): Promise<number>;
  /** A stream was let in on the connection of this `address:port`. The function returned says that it has ended. */
  enter(peer: string): () => void;
  /** Takes no new connections. */
  close(): void;
}

interface Guest {
  readonly socket: Socket;
  readonly address: string;
  streams: number;
  timer: NodeJS.Timeout | undefined;
}

/** @param welcome is given each connection that comes in */
export function createDoorway(
  welcome: (socket: Socket) => void,
  limits: DoorwayLimits,
  onTurnedAway: (why: TurnedAway, peer: string) => void,
): Doorway {
  const guests = new Map<string, Guest>();
  const idle = new Map<string, number>();

  function countIdle(address: string, by: 1 | -1): void {
    const count = (idle.get(address) ?? 0) + by;
    if (count > 0) idle.set(address, count);
    else idle.delete(address);
  }

  function becomeIdle(peer: string, guest: Guest): void {
    countIdle(guest.address, 1);
    guest.timer = setTimeout(() => {
      onTurnedAway("no-stream", peer);
      guest.socket.destroy();
    }, limits.idleMs).unref();
  }

  function endIdle(guest: Guest): void {
    countIdle(guest.address, -1);
    clearTimeout(guest.timer);
  }

  function comeIn(socket: Socket): void {
    const { remoteAddress: address, remotePort } = socket;
    // It has gone already.
    if (address === undefined || remotePort === undefined) return void socket.destroy();
    const peer = `${address}:${remotePort}`;
    if (guests.size >= limits.connections || (idle.get(address) ?? 0) >= limits.idleOfAddress) {
      onTurnedAway("too-many-connections", peer);
      return void socket.destroy();
    }
    const guest: Guest = { socket, address, streams: 0, timer: undefined };
    guests.set(peer, guest);
    becomeIdle(peer, guest);
    socket.once("close", () => {
      if (guest.streams === 0) endIdle(guest);
      guests.delete(peer);
    });
    welcome(socket);
  }

  const server = createServer({ noDelay: true }, comeIn);
  return {
    listen: (address, port) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host: address, port }, () => resolve((server.address() as { port: number }).port));
      }),
    enter(peer) {
      const guest = guests.get(peer);
      if (guest === undefined) return () => undefined;
      if (guest.streams === 0) endIdle(guest);
      guest.streams += 1;
      return () => {
        guest.streams -= 1;
        if (guest.streams === 0 && guests.get(peer) === guest) becomeIdle(peer, guest);
      };
    },
    close() {
      server.close();
    },
  };
}
