import { OutriggerError } from "../../mesh/errors.ts";
import { isObject } from "../../mesh/json.ts";
import { readYaml } from "../../mesh/yaml.ts";
import type { Template } from "./template.ts";

/**
 * A template of the user's own. Text without Go template actions is a fixed overlay, read once; text with them cannot
 * be used, which is said when a Pod asks for it.
 * @throws OutriggerError BAD_CONFIGURATION if the text is no YAML object
 */
export function customTemplate(name: string, text: string): Template {
  if (text.includes("{{")) {
    return { kind: "unusable", reason: "is a Go template, and those are not supported; write it without {{ }}" };
  }
  const source = `templates.${name}`;
  const overlay = readYaml(text, source) ?? {};
  if (isObject(overlay)) return { kind: "fixed", overlay };
  throw new OutriggerError("BAD_CONFIGURATION", [{ field: source, message: "must be a YAML object: part of a Pod" }]);
}
