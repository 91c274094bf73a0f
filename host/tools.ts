import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { basename } from "node:path";
import type { IpFamily } from "../mesh/address.ts";
import type { IptablesBackend } from "../mesh/redirect/backend.ts";

/** The programs of one iptables backend, as paths. */
export interface IptablesTools {
  readonly restore: Readonly<Record<IpFamily, string>>;
  readonly save: Readonly<Record<IpFamily, string>>;
}

/** The programs that write rules and routes, as far as they are here. */
export interface Tools {
  readonly iptables: { readonly [backend in IptablesBackend]?: IptablesTools };
  readonly nft: string | undefined;
  readonly ip: string | undefined;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program, found without running anything. */
function find(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(":")
    .map((folder) => `${folder === "" ? "." : folder}/${name}`)
    .find((path) => existsSync(path) && isExecutable(path)); // most are not there, and an error costs ten times as much
}

/** Which backend a program called by its plain name works on: it is a link to one of two programs. */
function isOfVariant(path: string, variant: "nft" | "legacy"): boolean {
  const program = basename(realpathSync(path));
  return variant === "nft" ? program.includes("nft") : /legacy|^xtables-multi$|^ip6?tables-multi$/.test(program);
}

function iptablesTools(variant: "nft" | "legacy", searchPath: string): IptablesTools | undefined {
  const program = (name: string, verb: string) => {
    const own = find(`${name}-${variant}-${verb}`, searchPath);
    const plain = own === undefined ? find(`${name}-${verb}`, searchPath) : undefined;
    return own ?? (plain !== undefined && isOfVariant(plain, variant) ? plain : undefined);
  };
  const [restore, restore6] = [program("iptables", "restore"), program("ip6tables", "restore")];
  const [save, save6] = [program("iptables", "save"), program("ip6tables", "save")];
  if (restore === undefined || save === undefined || restore6 === undefined || save6 === undefined) return undefined;
  return { restore: { IPv4: restore, IPv6: restore6 }, save: { IPv4: save, IPv6: save6 } };
}

/** Looks for the programs in the folders of PATH. Nothing is run. */
export function findTools(searchPath: string = process.env.PATH || defaultPath): Tools {
  const [nft, legacy] = [iptablesTools("nft", searchPath), iptablesTools("legacy", searchPath)];
  return {
    iptables: {
      ...(nft !== undefined && { "iptables-nft": nft }),
      ...(legacy !== undefined && { "iptables-legacy": legacy }),
    },
    nft: find("nft", searchPath),
    ip: find("ip", searchPath),
  };
}
