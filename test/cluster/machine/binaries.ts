import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const source = join(import.meta.dirname, "..", "binaries");

/** The programs that the one multi-call executable holds. */
export const programNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
  "coredns",
] as const;

/** Where what is slow to make is kept between runs, outside the checkout. */
export function cacheFolder(): string {
  const { OUTRIGGER_CACHE, XDG_CACHE_HOME } = process.env;
  return OUTRIGGER_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "outrigger");
}

async function kubernetesVersion(): Promise<string> {
  const found = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(await readFile(join(source, "go.mod"), "utf8"));
  if (found?.[1] === undefined) throw new Error(`${source}/go.mod does not name a version of k8s.io/kubernetes`);
  return found[1];
}

/** A digest of all that decides what the build makes. */
async function sourceDigest(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(source, { recursive: true })).sort()) {
    if (/\.(go|mod|sum)$/.test(name)) hash.update(name).update(await readFile(join(source, name)));
  }
  return hash.digest("hex").slice(0, 12);
}

async function build(version: string, into: string): Promise<void> {
  const [major, minor] = version.slice(1).split(".");
  // Without the version, clients refuse to talk to the API server.
  const stamp = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const linker = Object.entries(stamp).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  const options = { cwd: source, env: { CGO_ENABLED: "0" }, stdout: "inherit", stderr: "inherit" } as const;
  const flags = ["-p", "2", "-trimpath", "-ldflags", ["-s", "-w", ...linker].join(" ")];
  await execa("go", ["build", ...flags, "-o", join(into, "kubernetes"), "."], options);
  for (const small of ["app", "pause"]) {
    await execa("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", join(into, small), `./${small}`], options);
  }
}

/** Returns the folder with `kubernetes` and `pause`, building them when the cache has none of this source. */
export async function clusterBinaries(): Promise<string> {
  const version = await kubernetesVersion();
  const name = `kubernetes-${version}-${process.arch}-${await sourceDigest()}`;
  const finished = join(cacheFolder(), name);
  if (existsSync(join(finished, "pause"))) return finished;
  process.stderr.write(`building Kubernetes ${version} from its Go modules (once; about 5 minutes on 2 cores)\n`);
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), "building-"));
  try {
    await build(version, work);
    if (!existsSync(finished)) await rename(work, finished);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return finished;
}
