import { basename } from "node:path";
import * as v from "valibot";
import { cniVersions } from "../network-configuration.ts";

/** The plugin's name: of its executable, and of its entry in a chain. */
export const pluginType = "outrigger-cni";

/** What Outrigger's entry in a chain says. */
export interface PluginEntry {
  readonly type: typeof pluginType;
  readonly [setting: string]: unknown;
}

const plugin = v.looseObject({ type: v.pipe(v.string(), v.nonEmpty()) });
const plainConfiguration = v.looseObject({ name: v.string(), type: v.pipe(v.string(), v.nonEmpty()) });
const configurationList = v.looseObject({ name: v.string(), plugins: v.pipe(v.array(plugin), v.minLength(1)) });

type ConfigurationList = v.InferOutput<typeof configurationList>;

/** A network configuration that the container runtime would load, as a list. */
export interface NetworkFile {
  readonly fileName: string;
  readonly list: ConfigurationList;
  /** A plain configuration is one plugin without a list around it, and nothing can be chained to it. */
  readonly form: "plain" | "list";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads a file of the node's CNI configuration folder as libcni does; undefined for what a runtime would pass over. */
export function readNetworkFile(fileName: string, text: string): NetworkFile | undefined {
  const value = parseJson(text);
  if (fileName.endsWith(".conflist")) {
    const read = v.safeParse(configurationList, value);
    return read.success ? { fileName, list: read.output, form: "list" } : undefined;
  }
  if (!/\.(conf|json)$/.test(fileName)) return undefined;
  const read = v.safeParse(plainConfiguration, value);
  if (!read.success) return undefined;
  const { name, cniVersion } = read.output;
  const list = { ...(cniVersion !== undefined && { cniVersion }), name, plugins: [read.output] };
  return { fileName, list, form: "plain" };
}

/** Whether Outrigger's entry can work there: chained plugins get their predecessor's result from 0.3.1 on. */
export function hasUsableVersion({ list }: NetworkFile): boolean {
  return (cniVersions as readonly unknown[]).includes(list.cniVersion);
}

/** The name under which the file is kept once it is a list; it must sort where the plain one stood, or before. */
export function listFileName({ fileName, form }: NetworkFile, taken: readonly string[]): string {
  if (form === "list") return fileName;
  const name = `${basename(fileName).replace(/\.(conf|json)$/, "")}.conflist`;
  return taken.includes(name) ? `${fileName}.conflist` : name;
}

function others({ list }: NetworkFile): ConfigurationList["plugins"] {
  return list.plugins.filter(({ type }) => type !== pluginType);
}

/** The list with Outrigger's entry, once and last: it needs the interface and addresses that the others make. */
export function withEntry(file: NetworkFile, entry: PluginEntry): ConfigurationList {
  return { ...file.list, plugins: [...others(file), entry] };
}

export function withoutEntry(file: NetworkFile): ConfigurationList {
  return { ...file.list, plugins: others(file) };
}

export function hasEntry({ list }: NetworkFile): boolean {
  return list.plugins.some(({ type }) => type === pluginType);
}

export function printList(list: ConfigurationList): string {
  return `${JSON.stringify(list, undefined, 2)}\n`;
}
