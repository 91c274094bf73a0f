import type { ImageSettings } from "../image/resolve.ts";
import type { IpFamily } from "../manifest/kinds.ts";
import type { Manifest, MeshPolicy } from "../manifest/manifest.ts";
import type { PodReport } from "./report.ts";

/** Everything that a supervisor needs to bring a sandbox up. Plain JSON. */
export interface SandboxSpec {
  readonly name: string;
  readonly runFolder: string;
  /** The checkout whose `outrigger` is run as webhook and as init. */
  readonly project: string;
  readonly manifest: Manifest;
  readonly ipFamilies: readonly IpFamily[];
  readonly images: ImageSettings;
  readonly webhook: {
    readonly enabled: boolean;
    readonly revision: string;
    readonly flags: readonly string[];
  };
  /** Whether the control plane runs as well, and sidecars are injected that connect to it. */
  readonly discovery: boolean;
  readonly waitTimeoutMs: number;
}

/** What `outrigger sandbox up` tells the supervisor that it has started. */
export type ToSupervisor =
  | { readonly type: "start"; readonly spec: SandboxSpec }
  /** From now on the sandbox outlives whoever started it. */
  | { readonly type: "detach" }
  | { readonly type: "stop"; readonly graceMs: number };

/** What the supervisor tells `outrigger sandbox up`. */
export type FromSupervisor =
  | { readonly type: "note"; readonly text: string }
  /** A Pod whose status has changed. */
  | { readonly type: "pod"; readonly report: PodReport }
  /** No Pod will change any more that one waits for, or the time is over. */
  | { readonly type: "settled"; readonly ready: boolean; readonly reports: readonly PodReport[] }
  | { readonly type: "failed"; readonly message: string };

/** What other commands ask over the control socket, one JSON line a connection; the answer is one JSON line. */
export type ControlRequest =
  | { readonly type: "status" }
  /** The Pod as it came out of admission. */
  | { readonly type: "object"; readonly namespace: string; readonly pod: string }
  | {
      readonly type: "exec";
      readonly namespace: string;
      readonly pod: string;
      readonly container: string | undefined;
      readonly command: readonly string[];
      /** As root with every capability, whatever the container's user. */
      readonly privileged: boolean;
    }
  | {
      readonly type: "scale";
      readonly namespace: string | undefined;
      readonly workload: string;
      readonly replicas: number;
      readonly graceMs: number;
    }
  /** Answered when the Pod is gone. */
  | { readonly type: "delete"; readonly namespace: string; readonly pod: string; readonly graceMs: number }
  /** Policies of the mesh, over those of the same kind and name. */
  | { readonly type: "apply"; readonly policies: readonly MeshPolicy[] }
  | { readonly type: "stop"; readonly graceMs: number };

export interface StatusAnswer {
  readonly pods: readonly PodReport[];
  readonly services: readonly ServiceReport[];
  readonly webhook: { readonly pid: number; readonly port: number } | undefined;
  readonly discovery: { readonly pid: number } | undefined;
}

export interface ServiceReport {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly clusterIps: readonly string[];
  readonly ports: readonly string[];
  readonly endpoints: number;
}

export interface ExecAnswer {
  /** For the supervisor's own namespaces. */
  readonly argv: readonly string[];
}

export interface ObjectAnswer {
  /** Undefined for a Pod that was denied. */
  readonly object: unknown;
}

export type ControlAnswer =
  | { readonly result: StatusAnswer | ExecAnswer | ObjectAnswer | Record<never, never> }
  | { readonly error: string };
