import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageFile, Layer } from "./file.ts";
import { sharedLibraries } from "./shared-libraries.ts";

const passwd = `root:x:0:0:root:/root:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
istio-proxy:x:1337:1337:istio-proxy:/nonexistent:/sbin/nologin
`;
const group = "root:x:0:\nnonroot:x:65532:\nistio-proxy:x:1337:\n";

/** Programs and what they load, at the paths where they stand here; symbolic links are followed. */
async function programFiles(programs: readonly string[]): Promise<ImageFile[]> {
  const all = [...programs, ...(await sharedLibraries(programs))];
  return all.map((path) => ({ path, copyOf: path, mode: 0o755 }));
}

async function firstThatExists(candidates: readonly string[]): Promise<string> {
  for (const path of candidates) {
    if (await stat(path).catch(() => undefined)) return path;
  }
  throw new Error(`none of ${candidates.join(", ")} exists here; install the Debian package that has it`);
}

/** Users, certificates and a place for temporary files: what a program expects of any Linux. */
export async function baseLayer(): Promise<Layer> {
  const certificates = await firstThatExists(["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"]);
  return [
    { path: "/tmp", directoryMode: 0o1777 },
    { path: "/etc/passwd", content: passwd },
    { path: "/etc/group", content: group },
    { path: "/etc/ssl/certs/ca-certificates.crt", copyOf: certificates, mode: 0o644 },
  ];
}

/** Node.js alone, without npm. */
export async function nodeLayer(): Promise<Layer> {
  const node = await realpath(process.execPath);
  const libraries = await sharedLibraries([node]);
  return [
    { path: "/usr/local/bin/node", copyOf: node, mode: 0o755 },
    ...libraries.map((path) => ({ path, copyOf: path, mode: 0o755 })),
  ];
}

/** The names by which the two iptables programs are called; each is a link to one of them. */
const iptablesNames = ["iptables", "ip6tables"].flatMap((family) =>
  ["", "-save", "-restore"].flatMap((verb) => [
    { name: `${family}${verb}`, program: "xtables-nft-multi" },
    { name: `${family}-nft${verb}`, program: "xtables-nft-multi" },
    { name: `${family}-legacy${verb}`, program: "xtables-legacy-multi" },
  ]),
);

async function iptablesExtensions(): Promise<string[]> {
  const roots = ["/usr/lib/x86_64-linux-gnu/xtables", "/usr/lib/aarch64-linux-gnu/xtables", "/usr/lib64/xtables"];
  const folder = await firstThatExists(roots);
  return (await readdir(folder)).filter((name) => name.endsWith(".so")).map((name) => join(folder, name));
}

/** Both iptables backends with their extensions, nft and ip: the tools that write rules and routes, and no shell. */
export async function captureToolsLayer(): Promise<Layer> {
  const at = (...names: readonly string[]) => names.flatMap((name) => [`/usr/sbin/${name}`, `/sbin/${name}`]);
  const programs = [
    await firstThatExists(at("xtables-nft-multi")),
    await firstThatExists(at("xtables-legacy-multi")),
    await firstThatExists(at("nft")),
    await firstThatExists(["/usr/bin/ip", "/bin/ip", "/sbin/ip", "/usr/sbin/ip"]),
  ];
  const links = iptablesNames.map(({ name, program }) => ({ path: `/usr/sbin/${name}`, linkTo: program }));
  const protocols = await stat("/etc/protocols").catch(() => undefined);
  return [
    ...(await programFiles([...programs, ...(await iptablesExtensions())])),
    ...links,
    ...(protocols === undefined ? [] : [{ path: "/etc/protocols", copyOf: "/etc/protocols", mode: 0o644 }]),
    { path: "/run", directoryMode: 0o755 },
  ];
}

/** All files below `folder`, under `target` in the image. */
export async function folderLayer(folder: string, target: string): Promise<Layer> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.sort().map((file) => ({ path: join(target, file.slice(folder.length)), copyOf: file, mode: 0o644 }));
}

/** A program from outside Debian's tree with what it loads. */
export async function programLayer(program: string, target: string): Promise<Layer> {
  const libraries = await sharedLibraries([program]);
  return [
    { path: target, copyOf: program, mode: 0o755 },
    ...libraries.map((path) => ({ path, copyOf: path, mode: 0o755 })),
  ];
}
