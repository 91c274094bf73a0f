import type { References } from "../container/environment.ts";
import type { PodFacts } from "../container/field-reference.ts";
import type { ImageSettings } from "../image/resolve.ts";
import type { TokenRequest } from "../volume/files.ts";
import type { WrittenVolume } from "../volume/write.ts";
import type { PodObject } from "./schema.ts";

/** What all Pods of a sandbox share. */
export interface NodeContext {
  /** Kept in memory, seen by this sandbox only: volumes, secrets, containers' file systems. */
  readonly privateFolder: string;
  /** On the host, so that logs can be read without us. */
  readonly logFolder: string;
  /** Device nodes for containers. */
  readonly devices: string;
  /** Other disks of this machine; see `disksOf`. */
  readonly disks: readonly string[];
  readonly clusterDomain: string;
  readonly images: ImageSettings;
  readonly references: References;
  readonly issueToken: (request: TokenRequest) => string;
  /** The variables for the Services of a namespace. */
  readonly serviceVariables: (namespace: string) => ReadonlyMap<string, string>;
}

/** What the containers of one Pod share. */
export interface PodContext {
  readonly node: NodeContext;
  readonly pod: PodObject;
  readonly facts: PodFacts;
  /** The process that holds the Pod's namespaces. */
  readonly holderPid: number;
  readonly folder: string;
  readonly logFolder: string;
  readonly volumes: ReadonlyMap<string, WrittenVolume>;
}
