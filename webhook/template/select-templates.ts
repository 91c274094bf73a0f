import { OutriggerError } from "../../mesh/errors.ts";
import { annotations } from "../../mesh/names.ts";
import type { Pod } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import type { InjectionSettings } from "../settings.ts";
import type { Template } from "./template.ts";

type Usable = Exclude<Template, { kind: "unusable" }>;

/** The names that the Pod asks for, or the default ones, with aliases resolved once. */
function templateNames(pod: Pod, { defaultTemplates, aliases }: InjectionSettings): readonly string[] {
  const asked = annotationOf(pod, annotations.templates)
    ?.split(",")
    .map((name) => name.trim());
  const names = asked ?? defaultTemplates;
  // Merging a template a second time would change nothing.
  return [...new Set(names.flatMap((name) => aliases.get(name) ?? [name]))];
}

/**
 * The templates to apply to a Pod, in order.
 * @throws OutriggerError BAD_OBJECT if the Pod names one that is not there or cannot be used
 */
export function selectTemplates(pod: Pod, settings: InjectionSettings): Usable[] {
  const usable = [...settings.templates].filter(([, { kind }]) => kind !== "unusable").map(([name]) => name);
  return templateNames(pod, settings).map((name) => {
    const template = settings.templates.get(name);
    if (template !== undefined && template.kind !== "unusable") return template;
    const message = template === undefined ? "is not a template" : template.reason;
    const field = `metadata.annotations["${annotations.templates}"]`;
    throw new OutriggerError("BAD_OBJECT", [
      { field, value: name, message, remedy: `use one of ${usable.join(", ")}` },
    ]);
  });
}
