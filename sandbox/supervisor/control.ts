import { createServer, type Server } from "node:net";
import { unrestricted } from "../container/privileges.ts";
import type { Cluster } from "./cluster.ts";
import type { SandboxDiscovery } from "./discovery.ts";
import type { ControlAnswer, ControlRequest, ExecAnswer, StatusAnswer } from "./messages.ts";

export interface ControlOptions {
  readonly socket: string;
  readonly cluster: Cluster;
  readonly webhook: () => StatusAnswer["webhook"];
  readonly discovery: SandboxDiscovery | undefined;
  /** Begins the end of the sandbox. */
  readonly stop: (graceMs: number) => void;
}

const largestRequestBytes = 1024 * 1024;

type Request<Type extends ControlRequest["type"]> = Extract<ControlRequest, { type: Type }>;

function exec(request: Request<"exec">, cluster: Cluster): ExecAnswer {
  const { namespace, pod: name, container, command, privileged } = request;
  const pod = cluster.find(namespace, name);
  const spec = pod?.object?.spec;
  const annotations = pod?.object?.metadata.annotations ?? {};
  const chosen = container ?? annotations["kubectl.kubernetes.io/default-container"] ?? spec?.containers[0]?.name ?? "";
  const names = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map((one) => one.name);
  if (!names.includes(chosen)) throw new Error(`Pod ${name} has no container ${chosen}; it has ${names.join(", ")}`);
  const current = pod?.worker?.task(chosen)?.current();
  if (current?.running.initPid() === undefined) throw new Error(`container ${chosen} of Pod ${name} is not running`);
  return { argv: current.enter(command, privileged ? unrestricted : undefined) };
}

function status({ cluster, webhook, discovery }: ControlOptions): StatusAnswer {
  const pid = discovery?.pid();
  const parts = { webhook: webhook(), discovery: pid === undefined ? undefined : { pid } };
  return { pods: cluster.reports(), services: cluster.serviceReports(), ...parts };
}

async function deletePod({ namespace, pod: name, graceMs }: Request<"delete">, cluster: Cluster): Promise<void> {
  const pod = cluster.find(namespace, name);
  if (pod === undefined) throw new Error(`there is no Pod ${namespace}/${name}`);
  if (pod.worker === undefined && pod.refusal === undefined) throw new Error(`Pod ${name} is just being created`);
  await cluster.replicas.remove(pod, graceMs);
}

function apply({ policies }: Request<"apply">, { discovery }: ControlOptions): void {
  if (discovery === undefined) throw new Error("it was brought up without --discovery, so that no policy has effect");
  discovery.apply(policies);
}

async function answer(request: ControlRequest, options: ControlOptions): Promise<ControlAnswer> {
  const { cluster } = options;
  switch (request.type) {
    case "status":
      return { result: status(options) };
    case "scale":
      cluster.replicas.scale(request.namespace, request.workload, request.replicas, request.graceMs);
      return { result: {} };
    case "delete":
      await deletePod(request, cluster);
      return { result: {} };
    case "apply":
      apply(request, options);
      return { result: {} };
    case "object":
      return { result: { object: cluster.find(request.namespace, request.pod)?.rawObject } };
    case "exec":
      return { result: exec(request, cluster) };
    case "stop":
      options.stop(request.graceMs);
      return { result: {} };
  }
}

async function answerText(text: string, options: ControlOptions): Promise<ControlAnswer> {
  try {
    return await answer(JSON.parse(text) as ControlRequest, options);
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Serves other `outrigger sandbox` commands. Who may open the socket, in a folder for root only, may do all of it. */
export function serveControl(options: ControlOptions): Server {
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    let received = "";
    connection.setEncoding("utf8");
    connection.on("error", () => connection.destroy());
    connection.on("data", (chunk: string) => {
      received += chunk;
      if (received.length > largestRequestBytes) connection.destroy();
    });
    connection.once("end", () => {
      void answerText(received, options).then((result) => connection.end(`${JSON.stringify(result)}\n`));
    });
  });
  server.listen(options.socket);
  return server;
}
