import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { isObject } from "../../mesh/json.ts";
import type { Pod } from "../../mesh/pod.ts";
import { type ClusterFacts, clusterFacts } from "../../webhook/cluster-facts.ts";
import { type InjectionSettings, injectionSettings, type NativeSidecars } from "../../webhook/settings.ts";

/** Another implementation's inputs and outputs; OUTRIGGER_CONFORMANCE names the folder that holds them. */
const root = process.env.OUTRIGGER_CONFORMANCE ?? join(import.meta.dirname, "../../../shared/conformance");
export const casesFolder = join(root, "injector");

export interface InjectorCase {
  readonly name: string;
  readonly settings: InjectionSettings;
  readonly facts: ClusterFacts;
  readonly expectedError: string | null;
  /** The namespace that the input's own objects name; empty if none. */
  readonly namespace: string;
  readonly inputYaml: string;
  readonly injectedYaml: string | undefined;
  readonly pod: Pod | undefined;
  readonly response: { readonly allowed: boolean; readonly message?: string; readonly pod?: Pod } | undefined;
}

interface CaseFile {
  readonly settings: string;
  readonly nativeSidecars: NativeSidecars;
  readonly nodes: readonly string[] | null;
  readonly platform: InjectionSettings["platform"] | null;
  readonly compliancePolicy: string | null;
  readonly expectedError: string | null;
}

function read(folder: string, file: string): string | undefined {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function readJson<Value>(folder: string, file: string): Value | undefined {
  const text = read(folder, file);
  return text === undefined ? undefined : (JSON.parse(text) as Value);
}

function settingsOf({ settings, nativeSidecars, platform, compliancePolicy }: CaseFile): InjectionSettings {
  const folder = join(casesFolder, "settings", settings);
  return injectionSettings({
    profile: "istio",
    nativeSidecars,
    platform: platform ?? "kubernetes",
    compliancePolicy: compliancePolicy ?? "",
    meshConfig: parse(read(folder, "mesh.yaml") ?? ""),
    values: readJson(folder, "values.json"),
  });
}

function namespaceOf(inputYaml: string): string {
  const first: unknown = parseAllDocuments(inputYaml)[0]?.toJS();
  const metadata = isObject(first) && isObject(first.metadata) ? first.metadata : {};
  return typeof metadata.namespace === "string" ? metadata.namespace : "";
}

/** Reads one case's folder. */
export function readCase(name: string): InjectorCase {
  const folder = join(casesFolder, name);
  const file = JSON.parse(read(folder, "case.json") ?? "{}") as CaseFile;
  const inputYaml = read(folder, "input.yaml") ?? "";
  return {
    name,
    settings: settingsOf(file),
    facts: clusterFacts({ nodes: (file.nodes ?? []).map((kubeletVersion) => ({ kubeletVersion })) }),
    expectedError: file.expectedError,
    namespace: namespaceOf(inputYaml),
    inputYaml,
    injectedYaml: read(folder, "injected.yaml"),
    pod: readJson(folder, "pod.json"),
    response: readJson(folder, "response.json"),
  };
}

/** The names of all cases; none where the folder is absent. */
export function caseNames(): string[] {
  if (!existsSync(casesFolder)) return [];
  const folders = readdirSync(casesFolder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => name).filter((name) => existsSync(join(casesFolder, name, "case.json")));
}

/** Fields that the reference's typed objects print even when nothing stands in them. */
const printedWhenEmpty = ["strategy", "status", "resources", "updateStrategy"];

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

function mapped(value: unknown, keep: (field: string, held: unknown) => boolean, next: typeof comparable): unknown {
  if (Array.isArray(value)) return value.map(next);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([field, held]) => held !== null && keep(field, held));
  return Object.fromEntries(entries.map(([field, held]) => [field, next(held)]));
}

/** The object without what says nothing, so that objects of raw JSON and of Go's types compare. */
export function comparable(value: unknown): unknown {
  return mapped(value, (field, held) => !(isEmptyObject(held) && printedWhenEmpty.includes(field)), comparable);
}

/**
 * A document of any kind: its Pod templates as they are, around them without zeroes and status, which Go's types print
 * for fields that the input does not have.
 */
export function comparableDocument(value: unknown): unknown {
  if (!isObject(value)) return comparable(value);
  if (value.kind === "Pod") return comparable(value);
  const around = (part: unknown): unknown =>
    isObject(part) && isObject(part.spec) && "containers" in part.spec ? comparable(part) : mapped(part, says, around);
  return around(value);
}

function says(field: string, held: unknown): boolean {
  return field !== "status" && held !== false && held !== 0 && held !== "" && !isEmptyObject(held);
}
