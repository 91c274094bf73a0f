import { join } from "node:path";
import { execa } from "execa";
import { createAuthority } from "../../host/x509.ts";
import { enterSandbox } from "../commands/exec.ts";
import { runFolder } from "../run/folder.ts";
import type { StatusAnswer } from "../supervisor/messages.ts";
import { execIn } from "./probe-sandbox.ts";

/** The files of discovery's authority, in the sandbox's own memory; the names are of the Secret `cacerts`. */
const files = { certificate: "ca-cert.pem", privateKey: "ca-key.pem", roots: "root-cert.pem" } as const;

const lifetimeMs = 24 * 3_600_000;

/** Replaces files whole. The folder is the first argument, the files are a JSON object on standard input. */
const writer = `
const { renameSync, writeFileSync } = require("node:fs");
const files = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
process.chdir(process.argv[1]);
for (const [name, text] of Object.entries(files)) {
  writeFileSync(name + ".new", text, { mode: 0o600 });
  renameSync(name + ".new", name);
}`;

async function inSandbox(name: string, command: readonly string[], input = ""): Promise<string> {
  const [file = "", ...args] = enterSandbox(name, command);
  return (await execa(file, args, { cwd: "/", input })).stdout;
}

/** The steps of docs/identity.md by which a mesh gets another root; between them all proxies must have followed. */
export interface NewRoot {
  readonly trustBoth: () => Promise<void>;
  readonly sign: () => Promise<void>;
}

export async function newRoot(name: string): Promise<NewRoot> {
  const folder = join(runFolder(name), "private", "discovery", "ca");
  const { pem } = await createAuthority({ commonName: "another root", lifetimeMs });
  const write = async (contents: Readonly<Record<string, string>>) =>
    void (await inSandbox(name, [process.execPath, "-e", writer, folder], JSON.stringify(contents)));
  return {
    async trustBoth() {
      const old = await inSandbox(name, ["cat", join(folder, files.roots)]);
      await write({ [files.roots]: `${old}\n${pem.certificate}` });
    },
    sign: () => write({ [files.privateKey]: pem.privateKey, [files.certificate]: pem.certificate }),
  };
}

/** What a sidecar proves its identity with, and how many roots it trusts. */
export interface HeldCertificates {
  readonly serialNumber: string;
  readonly roots: number;
}

interface EnvoyCertificates {
  readonly certificates: readonly {
    readonly ca_cert: readonly unknown[];
    readonly cert_chain: readonly { readonly serial_number: string }[];
  }[];
}

/** Asks the Envoy of a Pod; undefined when it does not answer. */
export async function heldCertificates(
  name: string,
  status: StatusAnswer,
  pod: string,
): Promise<HeldCertificates | undefined> {
  const command = ["node", "/shop/get.mjs", "http://127.0.0.1:15000/certs"];
  const { ok, output } = await execIn(name, status, pod, command);
  if (!ok) return undefined;
  const { certificates } = JSON.parse(output) as EnvoyCertificates;
  const own = certificates.find(({ cert_chain }) => cert_chain.length > 0);
  const serialNumber = own?.cert_chain[0]?.serial_number;
  const roots = Math.max(0, ...certificates.map(({ ca_cert }) => ca_cert.length));
  return serialNumber === undefined ? undefined : { serialNumber, roots };
}
