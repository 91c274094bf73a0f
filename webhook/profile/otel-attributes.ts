import { annotationOf, labelOf } from "../../mesh/pod-metadata.ts";
import { applicationContainers, type PodOptions } from "../pod-options.ts";

const prefix = "resource.opentelemetry.io/";

/** The tag of an image that has one: not a digest, not a registry's port. */
function imageTag(image: string | undefined): string | undefined {
  return image === undefined || image.includes("@") ? undefined : /:([^:/]+)$/.exec(image)?.[1];
}

/** Percent-encodes what would end a value, as the W3C's baggage does; `$(NAME)` stays for Kubernetes. */
function encoded(value: string): string {
  return value.replace(/[,=%\s]/g, (character) => encodeURIComponent(character));
}

/**
 * OpenTelemetry's attributes of the service that a Pod is part of: its annotations, else what its labels say.
 * Source: https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
 */
export function otelResourceAttributes({ pod, namespace }: PodOptions): string {
  const [container = ""] = applicationContainers(pod);
  const image = pod.spec.containers.find(({ name }) => name === container)?.image;
  const place = namespace || "default";
  const attributes: [string, string | undefined][] = [
    ["service.name", undefined],
    ["service.namespace", place],
    ["service.version", labelOf(pod, "app.kubernetes.io/version") || imageTag(image)],
    ["service.instance.id", `${place}.$(POD_NAME).${container}`],
  ];
  return attributes
    .map(([name, derived]) => [name, encodedAnnotation(annotationOf(pod, prefix + name)) ?? derived] as const)
    .filter((attribute) => attribute[1] !== undefined && attribute[1] !== "")
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}

function encodedAnnotation(value: string | undefined): string | undefined {
  return value === undefined ? undefined : encoded(value).replaceAll("$", "$$$$");
}
