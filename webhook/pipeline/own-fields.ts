import { OutriggerError } from "../../mesh/errors.ts";
import { goJson } from "../../mesh/go-json.ts";
import { isObject } from "../../mesh/json.ts";
import { annotations } from "../../mesh/names.ts";
import type { Container, JsonObject, Pod } from "../../mesh/pod.ts";
import { annotationOf, withAnnotations } from "../../mesh/pod-metadata.ts";
import { annotationField } from "../annotations/json-annotation.ts";
import { canonicalQuantity } from "../config/quantity.ts";
import { strategicMerge } from "../merge/strategic-merge.ts";
import { type ContainerList, containerLists, withContainer } from "../pod-containers.ts";
import { inFieldOrder } from "./field-order.ts";

/** In a user's container: take the injected image. */
export const automaticImage = "auto";

/** Containers of the user's own that bear an injected container's name, list by list. */
export type OwnContainers = Partial<Record<ContainerList, Container[]>>;

function named(value: unknown): Container[] {
  return Array.isArray(value)
    ? value.filter((item): item is Container => isObject(item) && typeof item.name === "string")
    : [];
}

/** The names in one list of an overlay. */
export function injectedNames(overlay: JsonObject, list: ContainerList): string[] {
  return isObject(overlay.spec) ? named(overlay.spec[list]).map(({ name }) => name) : [];
}

/** Quantities as Kubernetes prints them: two readers of the record see the same text. */
function withCanonicalResources(container: Container): Container {
  const { limits, requests } = container.resources ?? {};
  if (limits === undefined && requests === undefined) return container;
  const canonical = (amounts: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, canonicalQuantity(String(amount))]));
  return {
    ...container,
    resources: {
      ...container.resources,
      ...(limits && { limits: canonical(limits) }),
      ...(requests && { requests: canonical(requests) }),
    },
  };
}

function withoutAutomaticImage({ image, ...rest }: Container): Container {
  return image === undefined || image === automaticImage || image === "" ? (rest as Container) : { ...rest, image };
}

/** The user's own containers that the overlay injects into. */
export function ownContainers(pod: Pod, overlay: JsonObject): OwnContainers {
  const own: OwnContainers = {};
  for (const list of containerLists) {
    const found = injectedNames(overlay, list)
      .map((name) => pod.spec[list]?.find((container) => container.name === name))
      .filter((container) => container !== undefined);
    if (found.length > 0) own[list] = found.map(withoutAutomaticImage).map(withCanonicalResources);
  }
  return own;
}

/** Lets the user's own fields win over the injected ones, and records them for a later injection. */
export function applyOwnContainers(pod: Pod, own: OwnContainers): Pod {
  const all = containerLists.flatMap((list) => own[list] ?? []);
  if (all.length === 0) return pod;
  const merged = all.reduce(
    (changed, container) =>
      withContainer(changed, container.name, (injected) => strategicMerge(injected, container) as Container),
    pod,
  );
  return withAnnotations(merged, { [annotations.overrides]: goJson(recorded(own)) });
}

/** The record in the form in which Kubernetes would print it: fields in order, resources always there. */
function recorded(own: OwnContainers): OwnContainers {
  const inOrder = (container: Container) => inFieldOrder({ resources: {}, ...container });
  return {
    ...(own.containers && { containers: own.containers.map(inOrder) }),
    ...(own.initContainers && { initContainers: own.initContainers.map(inOrder) }),
  };
}

/** The record always has resources; where they are empty, the user's container may have had none. */
function withoutEmptyResources(container: Container): Container {
  const { resources, ...rest } = container;
  return resources !== undefined && Object.keys(resources).length === 0 ? (rest as Container) : container;
}

/**
 * Reads what a former injection recorded.
 * @throws OutriggerError BAD_OBJECT if it is not JSON: somebody else wrote it, and the user's fields would be lost
 */
export function readOwnContainers(pod: Pod): OwnContainers | undefined {
  const text = annotationOf(pod, annotations.overrides);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return {};
    return {
      containers: named(value.containers).map(withoutEmptyResources),
      initContainers: named(value.initContainers).map(withoutEmptyResources),
    };
  } catch (error) {
    const field = annotationField(annotations.overrides);
    const message = `is not JSON: ${(error as Error).message}`;
    const remedy = "take the annotation away; Outrigger writes it itself";
    throw new OutriggerError("BAD_OBJECT", [{ field, value: text.slice(0, 200), message, remedy }], { cause: error });
  }
}
