import { type ResourceKind, resourceKinds } from "../translate/resource.ts";

/** What a client refused, in its own words. */
export interface Refused {
  readonly at: Date;
  readonly message: string;
  readonly names: readonly string[];
}

/** How one kind of resource stands with one client. */
export type SyncState = "SYNCED" | "STALE" | "NACK" | "NOT SENT";

export interface KindRecord {
  readonly state: SyncState;
  readonly sentAt?: Date;
  readonly acknowledgedAt?: Date;
  /** The last refusal; it stays until a response of the kind is taken. */
  readonly refused?: Refused;
}

/** What was sent on a stream, and what the client said to it. */
export interface StreamRecord {
  sent(kind: ResourceKind, nonce: string, now: number): void;
  /** Returns when the response was sent. */
  settle(kind: ResourceKind, nonce: string, refusal: string | undefined, names: readonly string[], now: number): number;
  kinds(): Readonly<Record<ResourceKind, KindRecord>>;
}

interface Entry {
  readonly inFlight: Map<string, number>;
  sentAt: number | undefined;
  acknowledgedAt: number | undefined;
  refused: Refused | undefined;
}

/** Enough to see what is wrong; Envoy's words can be long. */
const maxMessageLength = 2_000;
const maxNames = 20;

function stateOf({ inFlight, sentAt, refused }: Entry): SyncState {
  if (sentAt === undefined) return "NOT SENT";
  if (inFlight.size > 0) return "STALE";
  return refused === undefined ? "SYNCED" : "NACK";
}

function describe(entry: Entry): KindRecord {
  const { sentAt, acknowledgedAt, refused } = entry;
  return {
    state: stateOf(entry),
    ...(sentAt === undefined ? {} : { sentAt: new Date(sentAt) }),
    ...(acknowledgedAt === undefined ? {} : { acknowledgedAt: new Date(acknowledgedAt) }),
    ...(refused === undefined ? {} : { refused }),
  };
}

export function createRecord(): StreamRecord {
  const entries = new Map<ResourceKind, Entry>();
  const entryOf = (kind: ResourceKind): Entry => {
    const known = entries.get(kind);
    if (known !== undefined) return known;
    const entry: Entry = { inFlight: new Map(), sentAt: undefined, acknowledgedAt: undefined, refused: undefined };
    entries.set(kind, entry);
    return entry;
  };
  return {
    sent(kind, nonce, now) {
      const entry = entryOf(kind);
      entry.inFlight.set(nonce, now);
      entry.sentAt = now;
    },
    settle(kind, nonce, refusal, names, now) {
      const entry = entryOf(kind);
      const sentAt = entry.inFlight.get(nonce) ?? now;
      entry.inFlight.delete(nonce);
      if (refusal === undefined) {
        entry.acknowledgedAt = now;
        entry.refused = undefined;
      } else {
        const message = refusal.slice(0, maxMessageLength);
        entry.refused = { at: new Date(now), message, names: names.slice(0, maxNames) };
      }
      return sentAt;
    },
    kinds() {
      const described = resourceKinds.map((kind) => [kind, describe(entryOf(kind))]);
      return Object.fromEntries(described) as Record<ResourceKind, KindRecord>;
    },
  };
}
