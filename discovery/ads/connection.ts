import { type Metadata, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { ConnectedProxy, Fleet } from "../fleet.ts";
import { type Authenticator, bearerToken, type ProxyIdentity, type Refusal } from "../identity/authentication.ts";
import type { ResourceKind } from "../translate/resource.ts";
import type { TurnedAway } from "./doorway.ts";
import type { Outbox } from "./outbox.ts";
import { createStream, type Stream, type StreamEnd, type Variant } from "./stream.ts";

export type Call = ServerDuplexStream<Uint8Array, Uint8Array>;

/** What the server's owner wants to know of streams. */
export interface AdsEvents {
  readonly onConnected: (identity: ProxyIdentity, variant: Variant) => void;
  readonly onDisconnected: (identity: ProxyIdentity, why: string) => void;
  readonly onRejected: (reason: Rejection, detail: string | undefined, peer: string) => void;
  readonly onSent: (kind: ResourceKind, bytes: number) => void;
  readonly onAcknowledged: (kind: ResourceKind, sinceSentMs: number) => void;
  readonly onRefused: (identity: ProxyIdentity, kind: ResourceKind, message: string, names: readonly string[]) => void;
}

/** Why a call is not let in. */
type CallRejection = Refusal | "unknown-pod" | "too-many-streams" | "draining";

export type Rejection = CallRejection | TurnedAway;

/** How long a Pod may take to be known after its proxy came. */
const podWaitMs = 10_000;

const rejections: Readonly<Record<CallRejection, readonly [code: status, details: string]>> = {
  "no-token": [status.UNAUTHENTICATED, "no bearer token"],
  "invalid-token": [status.UNAUTHENTICATED, "the token is not valid"],
  "wrong-audience": [status.UNAUTHENTICATED, "the token is for another audience"],
  "not-bound-to-a-pod": [status.PERMISSION_DENIED, "the token is not bound to a Pod"],
  unavailable: [status.UNAVAILABLE, "the token could not be checked"],
  "unknown-pod": [status.PERMISSION_DENIED, "the token's Pod is not known"],
  "too-many-streams": [status.RESOURCE_EXHAUSTED, "too many streams"],
  draining: [status.UNAVAILABLE, "this replica is going away"],
};

const ends: Readonly<Record<StreamEnd, readonly [code: status, details: string]>> = {
  "too-far-behind": [status.UNAVAILABLE, "too far behind; start anew"],
  "other-node": [status.PERMISSION_DENIED, "the node is not the token's Pod"],
  "too-many-requests": [status.RESOURCE_EXHAUSTED, "too many requests"],
  "too-many-names": [status.RESOURCE_EXHAUSTED, "too many names"],
};

/** Ends a call with a status; the client reads it, and comes again after its own back-off. */
export function endCall(call: Call, code: status, details: string): void {
  call.emit("error", { code, details });
}

function reject(call: Call, reason: CallRejection, events: AdsEvents, detail?: string): undefined {
  const [code, details] = rejections[reason];
  events.onRejected(reason, detail, call.getPeer());
  endCall(call, code, details);
}

function tokenOf(metadata: Metadata): string | undefined {
  const [header] = metadata.get("authorization");
  return bearerToken(header?.toString());
}

/** Who is at the other end, and what it may see; undefined when the call was rejected or is gone. */
export async function admit(
  call: Call,
  { authenticate, fleet, events }: { authenticate: Authenticator; fleet: Fleet; events: AdsEvents },
): Promise<ConnectedProxy | undefined> {
  const token = tokenOf(call.metadata);
  if (token === undefined) return reject(call, "no-token", events);
  const authentication = await authenticate(token);
  if (!authentication.ok) return reject(call, authentication.reason, events, authentication.detail);
  const { identity } = authentication;
  const proxy = await fleet.open(identity, podWaitMs);
  const pod = `${identity.namespace}/${identity.pod.name}`;
  if (proxy === undefined) return reject(call, "unknown-pod", events, pod);
  if (!call.cancelled) return proxy;
  fleet.close(proxy);
  return undefined;
}

/** Joins a call and a stream until one of them ends. */
export function serve(
  call: Call,
  variant: Variant,
  proxy: ConnectedProxy,
  events: AdsEvents,
  { outbox, onEnd }: { readonly outbox: Outbox; readonly onEnd: () => void },
): Stream {
  const { identity, sources, gone } = proxy;
  const stream = createStream(variant, `${identity.pod.name}.${identity.namespace}`, sources, {
    send: (bytes) => call.write(bytes, outbox.add(bytes.length)),
    end: (why) => finish(why, ends[why]),
    onSent: events.onSent,
    onAcknowledged: events.onAcknowledged,
    onRefused: (kind, message, names) => events.onRefused(identity, kind, message, names),
  });
  let isFinished = false;

  function finish(why: string, answer?: readonly [status, string]): void {
    if (isFinished) return;
    isFinished = true;
    stream.close();
    gone.removeEventListener("abort", onGone);
    if (answer !== undefined) endCall(call, ...answer);
    events.onDisconnected(identity, why);
    onEnd();
  }
  const onGone = () => finish("pod-gone", [status.PERMISSION_DENIED, "the Pod is gone"]);

  gone.addEventListener("abort", onGone);
  call.on("drain", stream.resume);
  call.on("data", (bytes: Uint8Array) => receive(stream, bytes, (answer) => finish("bad-request", answer)));
  call.on("cancelled", () => finish("client-left"));
  call.on("error", () => finish("error"));
  call.on("end", () => {
    finish("client-ended");
    call.end();
  });
  events.onConnected(identity, variant);
  return stream;
}

function receive(stream: Stream, bytes: Uint8Array, refuse: (answer: readonly [status, string]) => void): void {
  try {
    stream.receive(bytes);
  } catch (error) {
    refuse([status.INVALID_ARGUMENT, `the request cannot be read: ${(error as Error).message}`.slice(0, 200)]);
  }
}
