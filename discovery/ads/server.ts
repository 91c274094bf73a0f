import { experimental, Server, type ServerCredentials, type ServiceDefinition, status } from "@grpc/grpc-js";
import type { ConnectedProxy, Fleet } from "../fleet.ts";
import type { Authenticator, ProxyIdentity } from "../identity/authentication.ts";
import type { ServingCertificate } from "../identity/serving-certificate.ts";
import { AggregatedDiscoveryService } from "../proto/envoy/service/discovery/v3/ads_pb.js";
import { type AdsEvents, admit, type Call, endCall, serve } from "./connection.ts";
import { createDoorway, type DoorwayLimits, defaultLimits } from "./doorway.ts";
import { createOutbox } from "./outbox.ts";
import type { Stream, Variant } from "./stream.ts";

export interface AdsServerOptions {
  readonly fleet: Fleet;
  readonly authenticate: Authenticator;
  readonly certificate: ServingCertificate;
  readonly events: AdsEvents;
  readonly limits?: DoorwayLimits;
}

/** A connected client, for those who ask how it is. */
export interface OpenStream {
  readonly identity: ProxyIdentity;
  readonly stream: Stream;
  readonly since: Date;
}

export interface AdsServer {
  /** @param port 0 for any free one. Returns the port. */
  listen(address: string, port: number): Promise<number>;
  /** Sends what has become due on every stream, in turns, so that the process answers others in between. */
  push(): void;
  streams(): readonly OpenStream[];
  /** Takes no more clients, asks those that are there to go elsewhere, spread over the given time, and stops. */
  drain(graceMs: number): Promise<void>;
}

/** Streams from one Pod at once: an Envoy and the one that takes its place, with one to spare. */
const maxStreamsOfPod = 3;

/** This many streams are served before others get a turn. */
const streamsAtOnce = 50;

/** Of responses that wait for the network, before more are made. */
const maxWaitingBytes = 64 * 1024 * 1024;

/**
 * Connections are closed after half an hour, give or take, so that a new replica gets its share and every token is looked
 * at again; dead ones are found out by pings.
 */
const channelOptions = {
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 20_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_connection_age_ms": 30 * 60_000,
  "grpc.max_connection_age_grace_ms": 10_000,
  "grpc.max_concurrent_streams": 8,
  "grpc.max_receive_message_length": 16 * 1024 * 1024,
  "grpc.max_send_message_length": -1,
} as const;

function method(name: string) {
  return {
    path: `/${AggregatedDiscoveryService.typeName}/${name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
    requestDeserialize: (bytes: Buffer): Uint8Array => bytes,
    responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    responseDeserialize: (bytes: Buffer): Uint8Array => bytes,
  };
}

/** The service with messages as bytes: the streams read and write them. */
export const adsService = {
  delta: method("DeltaAggregatedResources"),
  full: method("StreamAggregatedResources"),
} satisfies ServiceDefinition;

function credentials({ provider }: ServingCertificate): ServerCredentials {
  return experimental.createCertificateProviderServerCredentials(provider, null, false);
}

export function createAdsServer(options: AdsServerOptions): AdsServer {
  const { fleet, events } = options;
  const server = new Server(channelOptions);
  const open = new Map<Call, OpenStream>();
  const outbox = createOutbox(maxWaitingBytes);
  let isDraining = false;
  let isPushing = false;
  let isPushDue = false;

  function hasRoom(proxy: ConnectedProxy): boolean {
    let count = 0;
    for (const { identity } of open.values()) if (identity.pod.uid === proxy.identity.pod.uid) count += 1;
    return count < maxStreamsOfPod;
  }

  async function accept(call: Call, variant: Variant): Promise<void> {
    if (isDraining) return endCall(call, status.UNAVAILABLE, "this replica is going away");
    const proxy = await admit(call, options);
    if (proxy === undefined) return;
    if (!hasRoom(proxy)) {
      fleet.close(proxy);
      events.onRejected("too-many-streams", undefined, call.getPeer());
      return endCall(call, status.RESOURCE_EXHAUSTED, "too many streams");
    }
    const leave = doorway.enter(call.getPeer());
    const onEnd = () => {
      open.delete(call);
      fleet.close(proxy);
      leave();
    };
    const stream = serve(call, variant, proxy, events, { outbox, onEnd });
    open.set(call, { identity: proxy.identity, stream, since: new Date() });
  }

  function handler(variant: Variant) {
    return (call: Call) => {
      accept(call, variant).catch((error: unknown) => {
        events.onRejected("unavailable", (error as Error).message, call.getPeer());
        endCall(call, status.UNAVAILABLE, "internal error");
      });
    };
  }
  server.addService(adsService, { delta: handler("delta"), full: handler("full") });
  const { injectConnection } = server.createConnectionInjector(credentials(options.certificate));
  const doorway = createDoorway(injectConnection, options.limits ?? defaultLimits, (why, peer) =>
    events.onRejected(why, undefined, peer),
  );

  async function pushAll(): Promise<void> {
    while (isPushDue) {
      isPushDue = false;
      let served = 0;
      for (const { stream } of [...open.values()]) {
        stream.pump();
        served += 1;
        if (served % streamsAtOnce === 0) await new Promise(setImmediate);
        await outbox.room();
      }
    }
    isPushing = false;
  }

  return {
    listen: doorway.listen,
    push() {
      isPushDue = true;
      if (isPushing) return;
      isPushing = true;
      void pushAll();
    },
    streams: () => [...open.values()],
    async drain(graceMs) {
      isDraining = true;
      const calls = [...open.keys()];
      const step = graceMs / Math.max(1, calls.length);
      for (const call of calls) {
        endCall(call, status.UNAVAILABLE, "this replica is going away");
        await new Promise((resolve) => setTimeout(resolve, step));
      }
      doorway.close();
      server.forceShutdown();
    },
  };
}
