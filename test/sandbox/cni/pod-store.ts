import type { ServerResponse } from "node:http";
import type { Pod } from "../../../mesh/pod.ts";

/** The Pods of an API server, with the history that a watch goes on from. */
export interface PodStore {
  set(pod: Pod): void;
  remove(namespace: string, name: string): Pod | undefined;
  get(namespace: string, name: string): Pod | undefined;
  list(): unknown;
  /** Sends what came after a version of the list, and from now on everything. */
  watch(resourceVersion: number, response: ServerResponse): void;
  /** Ends every watch; `forget` the history too, so that nobody can go on where the watch ended. */
  endWatches(options?: { readonly forget: boolean }): void;
}

interface Change {
  readonly version: number;
  readonly line: string;
}

export function createPodStore(): PodStore {
  const pods = new Map<string, Pod>();
  const watches = new Set<ServerResponse>();
  let history: Change[] = [];
  let version = 1;
  let oldest = 0;

  function record(type: string, object: Pod): void {
    version += 1;
    object.metadata.resourceVersion = String(version);
    const line = `${JSON.stringify({ type, object })}\n`;
    history.push({ version, line });
    for (const response of watches) response.write(line);
  }

  return {
    set(pod) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
      const type = pods.has(key) ? "MODIFIED" : "ADDED";
      const kept = structuredClone(pod);
      pods.set(key, kept);
      record(type, kept);
    },
    remove(namespace, name) {
      const pod = pods.get(`${namespace}/${name}`);
      pods.delete(`${namespace}/${name}`);
      if (pod !== undefined) record("DELETED", pod);
      return pod;
    },
    get: (namespace, name) => pods.get(`${namespace}/${name}`),
    list: () => ({
      kind: "PodList",
      apiVersion: "v1",
      metadata: { resourceVersion: String(version) },
      items: [...pods.values()],
    }),
    watch(resourceVersion, response) {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      if (resourceVersion < oldest) {
        const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
        response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
        return;
      }
      for (const change of history) if (change.version > resourceVersion) response.write(change.line);
      watches.add(response);
      response.once("close", () => watches.delete(response));
    },
    endWatches({ forget } = { forget: false }) {
      if (forget) {
        history = [];
        oldest = version + 1;
        version += 1;
      }
      for (const response of watches) response.end();
      watches.clear();
    },
  };
}
