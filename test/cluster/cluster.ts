import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { parseAllDocuments } from "yaml";
import { type ClusterApi, connect as connectApi, type KubernetesObject } from "../../deploy/cluster/api.ts";
import { applyObject, deleteObject, readObject } from "../../deploy/cluster/apply.ts";
import { collectionPath, objectPath } from "../../deploy/cluster/resources.ts";
import { type ExecResult, exec } from "./exec.ts";
import { type Machine, machineHandle, machineVariable } from "./machine/handle.ts";
import type { Pod } from "./pod.ts";
import { readyPods } from "./ready-pods.ts";
import { until, type WaitOptions } from "./waiting.ts";

const fieldManager = "outrigger-test";

/** A cluster that specs talk to. Everything waits for its condition and fails with what was missing. */
export interface Cluster {
  readonly api: ClusterApi;
  /** The node, when it is the test machine. A spec that needs it skips without. */
  readonly machine: Machine | undefined;
  /** Server-side apply with strict field validation, of objects or of YAML text. */
  apply(objects: readonly KubernetesObject[] | string): Promise<KubernetesObject[]>;
  /** Deletes what exists of the objects; does not wait for the end. */
  delete(...objects: readonly KubernetesObject[]): Promise<void>;
  /** Creates one object and returns what the API server made of it, with the warnings it gave. */
  create<T extends KubernetesObject>(object: KubernetesObject): Promise<{ object: T; warnings: readonly string[] }>;
  read<T extends KubernetesObject = KubernetesObject>(object: KubernetesObject): Promise<T | undefined>;
  list<T extends KubernetesObject>(
    apiVersion: string,
    kind: string,
    where?: { namespace?: string; labels?: string },
  ): Promise<T[]>;
  /** Creates a namespace for one test, which is removed after it. Returns its name. */
  namespace(test: Pick<TestContext, "after">, labels?: Readonly<Record<string, string>>): Promise<string>;
  /** Waits until a Pod that the labels select is Ready, and returns it. */
  readyPod(namespace: string, labels: string, options?: WaitOptions): Promise<Pod>;
  exec(pod: Pod, container: string, ...command: readonly string[]): Promise<ExecResult>;
  logs(pod: Pod, container: string): Promise<string>;
}

/** Objects from YAML documents. */
export function parseObjects(yaml: string): KubernetesObject[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    const value = document.toJS() as KubernetesObject | null;
    return value === null ? [] : [value];
  });
}

/** The machine that the environment names, if the cluster under test is one of ours. */
function machineFromEnvironment(): Machine | undefined {
  const value = process.env[machineVariable];
  return value === undefined ? undefined : machineHandle(JSON.parse(value) as { state: string; pid: number });
}

function namespaceObject(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function podTarget(pod: Pod, container: string) {
  return { namespace: pod.metadata.namespace ?? "default", pod: pod.metadata.name, container };
}

/** The cluster that `KUBECONFIG` names: the test machine that `make test-cluster` started, or one of the user's. */
export async function connect(): Promise<Cluster> {
  const api = await connectApi();
  const cluster: Cluster = {
    api,
    machine: machineFromEnvironment(),
    async apply(objects) {
      const applied: KubernetesObject[] = [];
      for (const object of typeof objects === "string" ? parseObjects(objects) : objects) {
        applied.push((await applyObject(api, object, { fieldManager, force: true })).body);
      }
      return applied;
    },
    async delete(...objects) {
      for (const object of objects) await deleteObject(api, object);
    },
    async create<T extends KubernetesObject>(object: KubernetesObject) {
      const path = await collectionPath(api, object.apiVersion, object.kind, object.metadata.namespace ?? "default");
      const answer = await api.request<T>({ method: "POST", path, body: object });
      return { object: answer.body, warnings: answer.warnings };
    },
    read: (object) => readObject(api, object),
    async list<T extends KubernetesObject>(
      apiVersion: string,
      kind: string,
      { namespace, labels }: { namespace?: string; labels?: string } = {},
    ) {
      const path = await collectionPath(api, apiVersion, kind, namespace);
      const answer = await api.request<{ items: T[] }>({ path, query: { labelSelector: labels } });
      // The items of a list do not say what they are.
      return answer.body.items.map((item) => ({ ...item, apiVersion, kind }));
    },
    async namespace(test, labels) {
      const name = `test-${randomBytes(4).toString("hex")}`;
      await applyObject(api, namespaceObject(name, labels), { fieldManager });
      test.after(() => deleteObject(api, namespaceObject(name)));
      // Without it the first Pod is refused.
      const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: name } };
      await until(`default ServiceAccount in ${name}`, () => readObject(api, account));
      return name;
    },
    async readyPod(namespace, labels, options) {
      const [pod] = await readyPods(cluster, { namespace, labels, count: "any", ...options });
      return pod as Pod;
    },
    exec: (pod, container, ...command) => exec(api, podTarget(pod, container), command),
    logs: async (pod, container) => api.text({ path: `${await objectPath(api, pod)}/log`, query: { container } }),
  };
  return cluster;
}
