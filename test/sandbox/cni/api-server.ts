import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import jsonPatch from "fast-json-patch";
import { createAuthority, issueServingCertificate } from "../../../host/x509.ts";
import type { ObjectMeta, Pod } from "../../../mesh/pod.ts";
import { createPodStore, type PodStore } from "./pod-store.ts";

/** As much of an API server as one node agent asks for: Pods with list and watch, its Node, its DaemonSet, events. */
export interface ApiServer extends Pick<PodStore, "endWatches"> {
  readonly port: number;
  /** Writes the credentials of a Pod, as the kubelet does. */
  writeServiceAccount(folder: string): void;
  setPod(pod: Pod): void;
  pod(namespace: string, name: string): Pod | undefined;
  readonly taints: { key: string; effect: string; timeAdded?: string }[];
  /** `reason namespace/pod` of each event, in order. */
  readonly events: string[];
  readonly deleted: string[];
  /** The method and path of every request, with its query. */
  readonly requests: string[];
  /** The token that is asked for; others are refused. */
  token: string;
  /** Whether the agent's DaemonSet is there. */
  installed: boolean;
  /** While false every request is answered with 503. */
  answering: boolean;
  close(): Promise<void>;
}

const dayMs = 24 * 3_600_000;

async function serving() {
  const authority = await createAuthority({ commonName: "test", lifetimeMs: dayMs });
  const leaf = await issueServingCertificate(authority, { names: { ip: ["127.0.0.1"] }, lifetimeMs: dayMs });
  return { ca: authority.pem.certificate, cert: leaf.certificate, key: leaf.privateKey };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, message: string): void {
  send(response, code, { kind: "Status", code, message });
}

const podPath = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/;

async function deletePod(
  state: ApiServer,
  pods: PodStore,
  pod: Pod,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { preconditions } = (await json(request)) as { preconditions: { uid: string } };
  const { namespace = "", name = "", uid } = pod.metadata;
  if (preconditions.uid !== uid) return refuse(response, 409, "the UID in the precondition is another one");
  state.deleted.push(`${namespace}/${name}`);
  pods.remove(namespace, name);
  send(response, 200, pod);
}

async function patchPod(pods: PodStore, pod: Pod, request: IncomingMessage, response: ServerResponse) {
  const { metadata } = (await json(request)) as { metadata: { uid: string; labels: Record<string, string> } };
  if (metadata.uid !== pod.metadata.uid) return refuse(response, 409, "the UID is another one");
  const labels = { ...pod.metadata.labels, ...metadata.labels };
  pods.set({ ...pod, metadata: { ...pod.metadata, labels } });
  send(response, 200, pod);
}

async function servePod(
  state: ApiServer,
  pods: PodStore,
  request: IncomingMessage,
  response: ServerResponse,
  path: string[],
) {
  const [, namespace = "", name = ""] = path;
  const pod = pods.get(namespace, name);
  if (pod === undefined) return refuse(response, 404, "not found");
  if (request.method === "DELETE") return deletePod(state, pods, pod, request, response);
  if (request.method === "PATCH") return patchPod(pods, pod, request, response);
  send(response, 200, pod);
}

async function serveNode(state: ApiServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const spec = { taints: structuredClone(state.taints) };
  const node = { kind: "Node", apiVersion: "v1", metadata: { name: "node-1" }, spec };
  if (request.method === "PATCH") {
    try {
      jsonPatch.applyPatch(node, (await json(request)) as jsonPatch.Operation[], true);
    } catch (error) {
      return refuse(response, 422, (error as Error).message);
    }
    state.taints.splice(0, state.taints.length, ...node.spec.taints);
  }
  send(response, 200, node);
}

async function serveEvent(state: ApiServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { reason, regarding } = (await json(request)) as { reason: string; regarding: ObjectMeta };
  state.events.push(`${reason} ${regarding.namespace}/${regarding.name}`);
  send(response, 201, {});
}

async function serve(
  state: ApiServer,
  pods: PodStore,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  state.requests.push(`${request.method} ${request.url}`);
  if (!state.answering) return refuse(response, 503, "away");
  if (request.headers.authorization !== `Bearer ${state.token}`) return refuse(response, 401, "Unauthorized");
  const { pathname, searchParams } = new URL(request.url ?? "/", "https://localhost");
  const path = podPath.exec(pathname);
  if (path !== null) return servePod(state, pods, request, response, path);
  if (pathname === "/api/v1/pods") {
    if (searchParams.get("watch") !== "true") return send(response, 200, pods.list());
    return pods.watch(Number(searchParams.get("resourceVersion")), response);
  }
  if (pathname.startsWith("/api/v1/nodes/")) return serveNode(state, request, response);
  if (pathname.endsWith("/events")) return serveEvent(state, request, response);
  if (pathname.includes("/daemonsets/") && state.installed) return send(response, 200, { metadata: {} });
  refuse(response, 404, "not found");
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

export async function startApiServer(): Promise<ApiServer> {
  const { ca, cert, key } = await serving();
  const pods = createPodStore();
  const server = createServer({ cert, key }, (request, response) => void serve(state, pods, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const state: ApiServer = {
    port: (server.address() as AddressInfo).port,
    writeServiceAccount(folder) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "ca.crt"), ca);
      writeFileSync(join(folder, "token"), `${state.token}\n`);
    },
    setPod: pods.set,
    pod: pods.get,
    endWatches: pods.endWatches,
    taints: [],
    events: [],
    deleted: [],
    requests: [],
    token: "first",
    installed: true,
    answering: true,
    close: () => end(server),
  };
  return state;
}
