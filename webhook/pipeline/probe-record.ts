import { goJson } from "../../mesh/go-json.ts";
import { isObject } from "../../mesh/json.ts";
import type { Container, EnvVar, Handler, HttpGetAction, JsonObject, Pod } from "../../mesh/pod.ts";
import { containerLists, withContainers } from "../pod-containers.ts";

/** The environment variable of istio-proxy that holds the application's own probes. */
export const probersEnv = "ISTIO_KUBE_APP_PROBERS";

/** One probe or lifecycle hook of the application, as its author wrote it, with the port as a number. */
export interface RecordedProbe extends JsonObject {
  readonly httpGet?: JsonObject;
  readonly tcpSocket?: JsonObject;
  readonly grpc?: JsonObject;
  readonly timeoutSeconds?: number;
}

/** The application's own probes by the path under which the proxy answers for them. */
export type ProbeRecord = Readonly<Record<string, RecordedProbe>>;

/** Where a container has a probe or hook, and the path that it is recorded under. */
export const probePlaces = [
  { field: "readinessProbe", path: "/app-health/%/readyz" },
  { field: "livenessProbe", path: "/app-health/%/livez" },
  { field: "startupProbe", path: "/app-health/%/startupz" },
] as const;

export const hookPlaces = [
  { field: "preStop", path: "/app-lifecycle/%/prestopz" },
  { field: "postStart", path: "/app-lifecycle/%/poststartz" },
] as const;

/** The path of a container's probe: `/app-health/till/readyz`. */
export function recordPath(pattern: string, container: string): string {
  return pattern.replace("%", () => container);
}

/** Reads a record out of an environment; nothing if it is not there or no record. */
export function readRecord(env: readonly EnvVar[] | undefined): ProbeRecord {
  const text = env?.find(({ name }) => name === probersEnv)?.value;
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value)
      ? (Object.fromEntries(Object.entries(value).filter(([, probe]) => isObject(probe))) as ProbeRecord)
      : {};
  } catch {
    return {};
  }
}

/** The record as Istio's agent gets it: keys sorted, and what HTML treats specially escaped. */
export function recordText(record: ProbeRecord): string {
  const sorted = Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  return goJson(sorted);
}

/** The name that a container gives to a port, if it has one. */
function portName({ ports = [] }: Container, port: unknown): unknown {
  return ports?.find(({ containerPort, name }) => containerPort === port && name)?.name ?? port;
}

/** The handler as its author wrote it: the rewritten action is replaced by the recorded one. */
function restoredHandler(handler: Handler, recorded: RecordedProbe, container: Container): Handler {
  const { httpGet: rewritten, ...rest } = handler;
  const { httpGet, tcpSocket, grpc } = recorded;
  const port = (action: JsonObject) => ({ ...action, port: portName(container, action.port) });
  if (httpGet !== undefined) {
    const { path: _path, scheme: _scheme, ...kept } = rewritten ?? {};
    return { ...rest, httpGet: { ...kept, ...port(httpGet) } as HttpGetAction };
  }
  if (tcpSocket !== undefined) return { ...rest, tcpSocket: port(tcpSocket) } as Handler;
  if (grpc === undefined) return handler;
  const { service, ...action } = grpc;
  return { ...rest, grpc: service === null ? action : { ...action, service } };
}

function restored(handler: Handler | undefined, path: string, record: ProbeRecord, container: Container) {
  const recorded = Object.hasOwn(record, path) ? record[path] : undefined;
  if (handler?.httpGet?.path !== path || recorded === undefined) return handler;
  return restoredHandler(handler, recorded, container);
}

function restoredContainer(container: Container, record: ProbeRecord): Container {
  const changed: Record<string, unknown> = {};
  for (const { field, path } of probePlaces) {
    const probe = restored(container[field], recordPath(path, container.name), record, container);
    if (probe !== container[field]) changed[field] = probe;
  }
  const hooks: Record<string, unknown> = {};
  for (const { field, path } of hookPlaces) {
    const hook = restored(container.lifecycle?.[field], recordPath(path, container.name), record, container);
    if (hook !== container.lifecycle?.[field]) hooks[field] = hook;
  }
  if (Object.keys(hooks).length > 0) changed.lifecycle = { ...container.lifecycle, ...hooks };
  return Object.keys(changed).length === 0 ? container : { ...container, ...changed };
}

/** Gives the application's containers their own probes back, from the record that istio-proxy holds. */
export function restoreProbes(pod: Pod, proxy: Container): Pod {
  const record = readRecord(proxy.env);
  if (Object.keys(record).length === 0) return pod;
  return containerLists.reduce(
    (changed, list) =>
      withContainers(changed, list, (all) => all.map((container) => restoredContainer(container, record))),
    pod,
  );
}
