import { PassThrough } from "node:stream";
import { Exec, type V1Status } from "@kubernetes/client-node";
import type { ClusterApi } from "../../deploy/cluster/api.ts";

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface ExecTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

function exitCode(status: V1Status): number {
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  if (cause === undefined) throw new Error(`exec failed: ${status.message}`);
  return Number(cause.message);
}

function collect(stream: PassThrough): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/** Runs a command in a container, as `kubectl exec` does, and returns what it printed and its exit code. */
export async function exec(api: ClusterApi, target: ExecTarget, command: readonly string[]): Promise<ExecResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [collect(stdout), collect(stderr)];
  const { namespace, pod, container } = target;
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(api.config)
      .exec(namespace, pod, container, [...command], stdout, stderr, null, false, resolve)
      .then((socket) =>
        socket.addEventListener("error", (event: { message: string }) => reject(new Error(event.message))),
      )
      .catch(reject);
  });
  return { stdout: out(), stderr: err(), exitCode: exitCode(status) };
}
