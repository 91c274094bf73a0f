import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { Image } from "./file.ts";

const root = join(import.meta.dirname, "..", "..");

/** A part of an image, as CycloneDX has it. */
export interface Component {
  readonly type: "library" | "application";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly [{ readonly expression: string }];
}

/** The npm packages in the given folders (`node_modules/commander`), read from their own package.json. */
export async function npmComponents(folders: readonly string[]): Promise<Component[]> {
  return Promise.all(
    folders.map(async (folder) => {
      const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
      const purl = `pkg:npm/${encodeURIComponent(name).replace("%2F", "/")}@${version}`;
      const known = typeof license === "string" ? { licenses: [{ expression: license }] as const } : {};
      return { type: "library", name, version, purl, ...known } as const;
    }),
  );
}

/** The runtime itself, which comes from neither. */
export function nodeComponent(): Component {
  const { node: version } = process.versions;
  return { type: "application", name: "node", version, purl: `pkg:generic/node@${version}` };
}

/** The paths by which dpkg may know a file: on a merged-/usr system /lib is a link to /usr/lib. */
function spellings(path: string): string[] {
  return [path, path.startsWith("/usr/") ? path.slice(4) : `/usr${path}`];
}

/** The Debian packages that own the image's files on this machine; none where there is no dpkg. */
export async function debianComponents(image: Image): Promise<Component[]> {
  const sources = image.layers.flat().flatMap((file) => ("copyOf" in file ? spellings(file.copyOf) : []));
  const owners = await execa("dpkg-query", ["--search", ...sources], { reject: false });
  const names = new Set(owners.stdout.split("\n").flatMap((line) => /^([^,\s]+): /.exec(line)?.[1] ?? []));
  if (names.size === 0) return [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills this in
  const format = "${Package} ${Version} ${Architecture}\n";
  const { stdout } = await execa("dpkg-query", ["--show", `--showformat=${format}`, ...names]);
  return stdout.split("\n").map((line) => {
    const [name = "", version = "", architecture] = line.split(" ");
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
    return { type: "library", name, version, purl };
  });
}

/** A CycloneDX 1.6 document. No time and no serial number in it: the same image has the same document. */
export function billOfMaterials(image: Image, components: readonly Component[]): object {
  const byPurl = (a: Component, b: Component) => (a.purl < b.purl ? -1 : 1);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "container", name: image.repository, version: image.tag } },
    components: [...components].sort(byPurl),
  };
}
