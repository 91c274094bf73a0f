import { readFileSync } from "node:fs";
import { type Address, parseAddress } from "../mesh/address.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { isObject } from "../mesh/json.ts";
import type { JsonObject, Pod } from "../mesh/pod.ts";
import { type CaptureSettings, captureSettings, initSource, nodeSource } from "../mesh/redirect/settings.ts";

function wrong(file: string, message: string, cause?: unknown): OutriggerError {
  const remedy = "give a file with one Pod, or one workload that has a Pod template, as YAML or JSON";
  return new OutriggerError("BAD_CONFIGURATION", [{ field: "--from-pod", value: file, message, remedy }], { cause });
}

/** The API server takes no object that is larger. */
const mostCharacters = 3 * 1024 * 1024;

async function parse(file: string): Promise<unknown> {
  try {
    const text = readFileSync(file === "-" ? 0 : file, "utf8");
    if (text.length > mostCharacters) throw new RangeError(`it has ${text.length} characters`);
    if (text.trimStart().startsWith("{")) return JSON.parse(text);
    const { parse: parseYaml } = await import("yaml");
    return parseYaml(text);
  } catch (error) {
    throw wrong(file, `cannot be read: ${(error as Error).message}`, error);
  }
}

/** The Pod, or the Pod template of a workload. */
function podOf(value: unknown): JsonObject | undefined {
  if (!isObject(value) || !isObject(value.spec)) return undefined;
  const { template, jobTemplate, containers } = value.spec;
  if (Array.isArray(containers)) return value;
  if (isObject(template)) return podOf(template);
  return isObject(jobTemplate) ? podOf(jobTemplate) : undefined;
}

async function checked(value: unknown, file: string): Promise<Pod> {
  const pod = podOf(value);
  if (pod === undefined) throw wrong(file, "holds no Pod");
  const { checkPod } = await import("./pod-schema.ts");
  return checkPod(pod, file);
}

/** The addresses that a Pod of the cluster has. */
function addressesOf(pod: Pod): Address[] {
  const status = pod.status;
  const podIps = isObject(status) && Array.isArray(status.podIPs) ? status.podIPs : [];
  return podIps.flatMap((entry: unknown) =>
    isObject(entry) && typeof entry.ip === "string" ? (parseAddress(entry.ip) ?? []) : [],
  );
}

/** What a Pod's file says of its capture. */
export interface PodFile {
  readonly capture: CaptureSettings;
  /** The Pod's addresses, where it has any. */
  readonly addresses: readonly Address[];
}

/**
 * Reads a Pod and what its annotations make of capture.
 * @throws OutriggerError BAD_CONFIGURATION or BAD_OBJECT
 */
export async function readPodFile(file: string, onNode: boolean): Promise<PodFile> {
  const pod = await checked(await parse(file), file);
  const source = onNode ? nodeSource : initSource;
  return { capture: captureSettings(pod, source), addresses: addressesOf(pod) };
}
