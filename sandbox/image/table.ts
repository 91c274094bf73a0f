import { InvalidArgumentError } from "commander";
import { parseImage } from "./reference.ts";

/** A file or folder of this machine, and where the image has it. */
export interface ImageFile {
  readonly source: string;
  readonly target: string;
}

/**
 * What stands for an image here, where none can be pulled: a container runs on this machine's own files, with these laid
 * over them, and this entrypoint.
 */
export interface ImageRule {
  /** The image as Pods name it, or its full repository; `*` stands for any text. */
  readonly pattern: string;
  readonly entrypoint: readonly string[];
  readonly files: readonly ImageFile[];
}

/** What the built-in rules need to know of this machine. */
export interface Programs {
  /** The checkout that holds `bin/outrigger`. */
  readonly project: string;
  readonly node: string;
  readonly envoy?: string;
  readonly python?: string;
}

const initRoot = "/opt/outrigger";

/** The images that Outrigger and its examples use. */
export function builtInRules({ project, node, envoy, python }: Programs): ImageRule[] {
  const rules: ImageRule[] = [
    {
      pattern: "*/outrigger/init",
      entrypoint: [`${initRoot}/bin/outrigger`],
      files: [{ source: project, target: initRoot }],
    },
    {
      pattern: "docker.io/library/node",
      entrypoint: ["node"],
      files: [{ source: node, target: "/usr/local/bin/node" }],
    },
  ];
  if (envoy !== undefined) {
    const files = [{ source: envoy, target: "/usr/local/bin/envoy" }];
    rules.push({ pattern: "*/envoyproxy/envoy*", entrypoint: ["/usr/local/bin/envoy"], files });
  }
  if (python !== undefined) {
    const files = ["python", "python3"].map((name) => ({ source: python, target: `/usr/local/bin/${name}` }));
    rules.push({ pattern: "docker.io/library/python", entrypoint: ["python3"], files });
  }
  return rules;
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}

/** The first rule for an image. */
export function ruleFor(image: string, rules: readonly ImageRule[]): ImageRule | undefined {
  const { repository } = parseImage(image);
  return rules.find(({ pattern }) => matches(pattern, image) || matches(pattern, repository));
}

function words(command: string): string[] {
  if (!command.startsWith("[")) return command.split(/\s+/).filter((word) => word !== "");
  const list: unknown = JSON.parse(command);
  if (Array.isArray(list) && list.every((word) => typeof word === "string")) return list;
  throw new Error("is not a list of texts");
}

/** Reads `--image NAME=COMMAND`, where COMMAND is words or a JSON list. */
export function parseImageRule(text: string): ImageRule {
  const [pattern, command] = [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)];
  try {
    const entrypoint = words(command);
    if (text.includes("=") && pattern !== "" && entrypoint.length > 0) return { pattern, entrypoint, files: [] };
  } catch {
    // Said below, as for every other form that is wrong.
  }
  throw new InvalidArgumentError(
    'It must be NAME=COMMAND, such as web=/usr/bin/web or web=["/usr/bin/web","--port=80"].',
  );
}
