import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError, type Problem } from "../mesh/errors.ts";

/** Where the kubelet puts a Pod's credentials. */
export const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** How a Pod reaches the API server. */
export interface ServiceAccount {
  readonly host: string;
  readonly port: number;
  /** The authorities that the API server's certificate may be of, as PEM. */
  readonly authorities: RenewedFile;
  readonly token: RenewedFile;
}

/** A file that the kubelet writes anew, read again from time to time. */
export interface RenewedFile {
  read(): Promise<string>;
  /** Its content was of no use: it is read again at once. */
  forget(): void;
}

/** The kubelet renews a token when a fifth of its life is left: of the shortest that is allowed, two minutes. */
const longestAgeMs = 30_000;

function renewedFile(path: string): RenewedFile {
  let known: { readonly content: Promise<string>; readonly readAtMs: number } | undefined;
  const forget = () => {
    known = undefined;
  };
  return {
    read() {
      const nowMs = performance.now();
      if (known === undefined || nowMs - known.readAtMs > longestAgeMs) {
        known = { content: readFile(path, "utf8").then((text) => text.trim()), readAtMs: nowMs };
        known.content.catch(forget);
      }
      return known.content;
    },
    forget,
  };
}

function whereFrom({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }: NodeJS.ProcessEnv) {
  const remedy = "run it in a Pod of a cluster, which has both variables";
  const problems: Problem[] = [];
  if (host === undefined || host === "")
    problems.push({ field: "KUBERNETES_SERVICE_HOST", message: "is not set", remedy });
  if (!/^[1-9]\d{0,4}$/.test(port ?? "")) {
    problems.push({ field: "KUBERNETES_SERVICE_PORT", value: port ?? "", message: "is not a port", remedy });
  }
  if (problems.length > 0) throw new OutriggerError("BAD_CONFIGURATION", problems);
  return { host: String(host), port: Number(port) };
}

/**
 * Reads how this Pod reaches the API server: the environment's KUBERNETES_SERVICE_HOST and _PORT, and the folder that the
 * kubelet mounts. Source: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 * @throws OutriggerError BAD_CONFIGURATION outside a Pod
 */
export async function readServiceAccount(folder: string, environment = process.env): Promise<ServiceAccount> {
  const where = whereFrom(environment);
  const authorities = renewedFile(join(folder, "ca.crt"));
  try {
    await authorities.read();
  } catch (cause) {
    const remedy = "let the Pod have its service account's token mounted (automountServiceAccountToken)";
    const problem = { field: join(folder, "ca.crt"), message: `cannot be read: ${(cause as Error).message}`, remedy };
    throw new OutriggerError("BAD_CONFIGURATION", [problem], { cause });
  }
  return { ...where, authorities, token: renewedFile(join(folder, "token")) };
}
