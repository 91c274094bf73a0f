import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
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

/** A digest of all that decides what the build makes: the sources at the folder's top and in `parts`. */
async function sourceDigest(folder: string, parts: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const part of [".", ...parts]) {
    for (const name of (await readdir(join(folder, part))).sort()) {
      if (/\.(go|mod|sum)$/.test(name)) hash.update(name).update(await readFile(join(folder, part, name)));
    }
  }
  return hash.digest("hex").slice(0, 12);
}

interface Build {
  /** What the cached folder's name starts with, the version included. */
  readonly name: string;
  readonly folder: string;
  readonly parts?: readonly string[];
  /** What is said before a build, which takes minutes. */
  readonly notice: string;
  readonly work: (into: string) => Promise<void>;
}

/** Returns the cached folder that a build of this source has filled, building when there is none. */
async function buildOnce({ name, folder, parts = [], notice, work }: Build): Promise<string> {
  const finished = join(cacheFolder(), `${name}-${process.arch}-${await sourceDigest(folder, parts)}`);
  if (existsSync(finished)) return finished;
  process.stderr.write(`${notice}\n`);
  await mkdir(cacheFolder(), { recursive: true });
  const draft = await mkdtemp(join(cacheFolder(), "building-"));
  try {
    await work(draft);
    if (!existsSync(finished)) await rename(draft, finished);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return finished;
}

const environment = { env: { CGO_ENABLED: "0" }, stdout: "inherit", stderr: "inherit" } as const;

function goBuild(folder: string, output: string, source: string, linker: readonly string[] = []) {
  const flags = ["-p", "2", "-trimpath", "-ldflags", ["-s", "-w", ...linker].join(" ")];
  return execa("go", ["build", ...flags, "-o", output, source], { ...environment, cwd: folder });
}

async function buildKubernetes(version: string, into: string): Promise<void> {
  const [major, minor] = version.slice(1).split(".");
  // Without the version, clients refuse to talk to the API server.
  const stamp = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const linker = Object.entries(stamp).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  await goBuild(source, join(into, "kubernetes"), ".", linker);
  for (const small of ["app", "pause"]) await goBuild(source, join(into, small), `./${small}`);
}

let kubernetes: Promise<string> | undefined;

/** Returns the folder with `kubernetes`, `pause` and `app`, building them when the cache has none of this source. */
export function clusterBinaries(): Promise<string> {
  kubernetes ??= kubernetesVersion().then((version) =>
    buildOnce({
      name: `kubernetes-${version}`,
      folder: source,
      parts: ["app", "pause"],
      notice: `building Kubernetes ${version} from its Go modules (once; about 6 minutes on 2 cores)`,
      work: (into) => buildKubernetes(version, into),
    }),
  );
  return kubernetes;
}

const companionSource = join(source, "companions");

async function buildCompanions(into: string): Promise<void> {
  await goBuild(companionSource, join(into, "companions"), ".");
  const module = ["list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager"];
  const { stdout: certManager } = await execa("go", module, { cwd: companionSource });
  await cp(join(certManager, "deploy", "crds"), join(into, "crds"), { recursive: true });
  // Module folders are read-only, and copies keep that.
  await execa("chmod", ["-R", "u+w", into]);
}

/** Returns the folder with `companions` (cert-manager, Helm's templates) and cert-manager's kinds in `crds`. */
export function companionBinaries(): Promise<string> {
  return buildOnce({
    name: "companions",
    folder: companionSource,
    notice: "building cert-manager and Helm's template engine from their Go modules (once; about 2 minutes on 2 cores)",
    work: buildCompanions,
  });
}
