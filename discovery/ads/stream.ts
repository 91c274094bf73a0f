import { type ResourceKind, typeUrls } from "../translate/resource.ts";
import { type Request, readDelta, readFull } from "./request.ts";
import { createRequestLimit } from "./request-limit.ts";
import { createRecord, type StreamRecord } from "./stream-record.ts";
import {
  type Outgoing,
  openStream,
  type Sources,
  type StreamState,
  settle,
  subscribe,
  type TableStyle,
  takeOutgoing,
} from "./stream-state.ts";
import { decodeDelta, decodeFull, encodeDelta, encodeFull } from "./wire.ts";

/** The two variants of the protocol: only what changed, or all there is each time. */
export type Variant = "delta" | "full";

/** Why a stream ends that the client did not end itself. */
export type StreamEnd = "too-far-behind" | "other-node" | "too-many-requests" | "too-many-names";

export interface StreamEvents {
  /** Sends bytes; false when the client does not take any more for now. */
  readonly send: (bytes: Uint8Array) => boolean;
  readonly end: (why: StreamEnd) => void;
  readonly onSent: (kind: ResourceKind, bytes: number) => void;
  readonly onAcknowledged: (kind: ResourceKind, sinceSentMs: number) => void;
  readonly onRefused: (kind: ResourceKind, message: string, names: readonly string[]) => void;
}

/** One client's stream: requests in, responses out, in whatever order the client and the mesh bring about. */
export interface Stream {
  readonly variant: Variant;
  readonly record: StreamRecord;
  receive(bytes: Uint8Array): void;
  /** Sends what has become due. */
  pump(): void;
  /** The client takes bytes again. */
  resume(): void;
  close(): void;
}

/** Answers to requests for kinds that nobody has may wait for the client up to this many bytes. */
const limits = { namesOfOneKind: 100_000, unreadBytes: 1024 * 1024 } as const;

/** `sidecar~10.0.0.7~reviews-1.default~default.svc.cluster.local`: the Pod must be the one that the token is bound to. */
function isNodeOf(nodeId: string, pod: string): boolean {
  return nodeId === "" || nodeId.split("~")[2] === pod;
}

function kindHasAll({ kind }: Outgoing): boolean {
  return kind === "clusters" || kind === "listeners";
}

/** All resources of a kind: the full variant takes one that is left out for one that is gone. */
function everything(state: StreamState, outgoing: Outgoing) {
  return state.sources[outgoing.kind].flatMap((source) => [...source.values()]);
}

function encode(variant: Variant, state: StreamState, outgoing: Outgoing): Uint8Array {
  const { nonce, changed, removed } = outgoing;
  const typeUrl = typeUrls[outgoing.kind];
  if (variant === "delta") return encodeDelta({ typeUrl, nonce, changed, removed });
  const resources = kindHasAll(outgoing) ? everything(state, outgoing) : changed;
  return encodeFull({ typeUrl, nonce, version: nonce, resources });
}

function emptyAnswer(variant: Variant, { typeUrl, nonce: answered, change }: Request, nonce: string) {
  if (answered !== "" && change.subscribe.length === 0) return undefined;
  if (variant === "delta") return encodeDelta({ typeUrl, nonce, changed: [], removed: change.subscribe });
  return answered === "" ? encodeFull({ typeUrl, nonce, version: "0", resources: [] }) : undefined;
}

/** @param pod `name.namespace` of the Pod that the client has proved to be */
export function createStream(
  variant: Variant,
  pod: string,
  sources: (style: TableStyle) => Sources,
  events: StreamEvents,
): Stream {
  /** From the first request on, which tells how the client takes route tables. */
  let state: StreamState | undefined;
  const record = createRecord();
  const isTooMuch = createRequestLimit();
  let isBlocked = false;
  let unreadBytes = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  function end(why: StreamEnd): void {
    isClosed = true;
    events.end(why);
  }

  /** Why a request ends the stream, if it does. */
  function fault(request: Request): StreamEnd | undefined {
    if (!isNodeOf(request.nodeId, pod)) return "other-node";
    const known = request.kind === undefined ? undefined : state?.subscriptions.get(request.kind);
    const names = (known?.names.size ?? 0) + request.change.subscribe.length;
    return names > limits.namesOfOneKind ? "too-many-names" : undefined;
  }

  function handle(request: Request): void {
    state ??= openStream(sources(request.tables));
    if (request.kind === undefined) refuseKind(state, request);
    else {
      if (request.nonce !== "") answer(state, request.kind, request);
      subscribe(state, request.kind, request.change);
      pump();
    }
  }

  function read(bytes: Uint8Array): Request | undefined {
    return variant === "delta" ? readDelta(decodeDelta(bytes)) : readFull(decodeFull(bytes), state);
  }

  function answer(state: StreamState, kind: Outgoing["kind"], { nonce, refusal }: Request): void {
    const names = settle(state, kind, nonce);
    if (names === undefined) return;
    const now = Date.now();
    const sentAt = record.settle(kind, nonce, refusal, names, now);
    if (refusal === undefined) events.onAcknowledged(kind, now - sentAt);
    else events.onRefused(kind, refusal, names);
  }

  /** A kind that discovery has none of: the client must not wait for it. */
  function refuseKind(state: StreamState, request: Request): void {
    state.nonce += 1;
    const bytes = emptyAnswer(variant, request, String(state.nonce));
    if (bytes === undefined) return;
    if (!events.send(bytes)) isBlocked = true;
    unreadBytes = isBlocked ? unreadBytes + bytes.length : 0;
    if (unreadBytes > limits.unreadBytes) end("too-far-behind");
  }

  function pump(): void {
    if (isClosed || isBlocked || state === undefined) return;
    const now = Date.now();
    const due = takeOutgoing(state, now);
    if (due === "too-far-behind") {
      end(due);
      return;
    }
    for (const outgoing of due) {
      const bytes = encode(variant, state, outgoing);
      record.sent(outgoing.kind, outgoing.nonce, now);
      if (!events.send(bytes)) isBlocked = true;
      events.onSent(outgoing.kind, bytes.length);
    }
    clearTimeout(timer);
    if (state.awaited.size > 0 && state.awaitedUntil > now) timer = setTimeout(pump, state.awaitedUntil - now + 1);
  }

  return {
    variant,
    record,
    receive(bytes) {
      if (isClosed) return;
      const request = isTooMuch(Date.now(), bytes.length) ? "too-many-requests" : read(bytes);
      if (request === undefined) return;
      const why = request === "too-many-requests" ? request : fault(request);
      if (why === undefined) handle(request as Request);
      else end(why);
    },
    pump,
    resume() {
      isBlocked = false;
      unreadBytes = 0;
      pump();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
