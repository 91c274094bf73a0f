import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import jsonPatch from "fast-json-patch";
import type { ObjectMeta, Pod } from "../../../mesh/pod.ts";

/** As much of an API server as one node agent asks for: Pods with list and watch, its Node, its DaemonSet, events. */
export interface ApiServer {
  readonly kubeconfig: string;
  setPod(pod: Pod): void;
  removePod(namespace: string, name: string): void;
  readonly taints: { key: string; effect: string; timeAdded?: string }[];
  /** `reason namespace/pod` of each event, in order. */
  readonly events: string[];
  readonly deleted: string[];
  /** Whether the agent's DaemonSet is there. */
  installed: boolean;
  /** While false every request is answered with 503. */
  answering: boolean;
  close(): Promise<void>;
}

interface Watcher {
  readonly response: ServerResponse;
}

function kubeconfig(port: number): string {
  const server = `http://127.0.0.1:${port}`;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "test", user: { token: "none" } }],
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const podPath = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/;

export async function startApiServer(): Promise<ApiServer> {
  const pods = new Map<string, Pod>();
  const watchers = new Set<Watcher>();
  let version = 1;
  const notify = (type: string, object: Pod) => {
    version += 1;
    object.metadata.resourceVersion = String(version);
    for (const { response } of watchers) response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const notFound = (response: ServerResponse) =>
    send(response, 404, { kind: "Status", code: 404, message: "not found" });

  const watch = (response: ServerResponse) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    const watcher = { response };
    watchers.add(watcher);
    response.once("close", () => watchers.delete(watcher));
  };

  const servePod = (method: string | undefined, namespace: string, name: string, response: ServerResponse) => {
    const pod = pods.get(`${namespace}/${name}`);
    if (pod === undefined) return notFound(response);
    if (method === "DELETE") {
      state.deleted.push(`${namespace}/${name}`);
      state.removePod(namespace, name);
    }
    send(response, 200, pod);
  };

  const serveNode = async (request: IncomingMessage, response: ServerResponse) => {
    const metadata = { name: "node-1" };
    const node = { kind: "Node", apiVersion: "v1", metadata, spec: { taints: structuredClone(state.taints) } };
    if (request.method === "PATCH") {
      try {
        jsonPatch.applyPatch(node, (await json(request)) as jsonPatch.Operation[], true);
      } catch (error) {
        return send(response, 422, { message: (error as Error).message });
      }
      state.taints.splice(0, state.taints.length, ...node.spec.taints);
    }
    send(response, 200, node);
  };

  const servePods = (watching: boolean, response: ServerResponse) => {
    if (watching) return watch(response);
    const metadata = { resourceVersion: String(version) };
    send(response, 200, { kind: "PodList", apiVersion: "v1", metadata, items: [...pods.values()] });
  };

  const serveEvent = async (request: IncomingMessage, response: ServerResponse) => {
    const { reason, regarding } = (await json(request)) as { reason: string; regarding: ObjectMeta };
    state.events.push(`${reason} ${regarding.namespace}/${regarding.name}`);
    send(response, 201, {});
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!state.answering) return send(response, 503, { kind: "Status", code: 503, message: "away" });
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const [, namespace = "", name = ""] = podPath.exec(pathname) ?? [];
    if (name !== "") return servePod(request.method, namespace, name, response);
    if (pathname === "/api/v1/pods") return servePods(searchParams.get("watch") === "true", response);
    if (pathname.startsWith("/api/v1/nodes/")) return serveNode(request, response);
    if (pathname.endsWith("/events")) return serveEvent(request, response);
    if (pathname.includes("/daemonsets/") && state.installed) return send(response, 200, { metadata: {} });
    notFound(response);
  };

  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const state: ApiServer = {
    kubeconfig: kubeconfig((server.address() as AddressInfo).port),
    taints: [],
    events: [],
    deleted: [],
    installed: true,
    answering: true,
    setPod(pod) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
      const type = pods.has(key) ? "MODIFIED" : "ADDED";
      pods.set(key, structuredClone(pod));
      notify(type, pods.get(key) as Pod);
    },
    removePod(namespace, name) {
      const pod = pods.get(`${namespace}/${name}`);
      pods.delete(`${namespace}/${name}`);
      if (pod !== undefined) notify("DELETED", pod);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
}
