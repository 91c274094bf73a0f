import { annotations } from "../../mesh/names.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import type { PodOptions } from "../pod-options.ts";

/** Kinds of image that a tag can end with. `default` means none of them. */
const imageTypes = ["debug", "distroless"];

function typedTag(tag: string, type: string): string {
  if (type === "") return tag;
  const known = imageTypes.find((suffix) => tag.endsWith(`-${suffix}`));
  const plain = known === undefined ? tag : tag.slice(0, -known.length - 1);
  return type === "default" ? plain : `${plain}-${type}`;
}

/** A digest is joined by `@`, a tag by `:`. */
function imageReference(hub: string, image: string, tag: string): string {
  return `${hub}/${image}${tag.startsWith("sha256:") ? "@" : ":"}${tag}`;
}

/** The Pod's own proxy image, which must be a whole reference: one with a `/`. */
function ownImage({ pod }: PodOptions): string | undefined {
  const image = annotationOf(pod, annotations.proxyImage);
  return image?.includes("/") === true ? image : undefined;
}

/** istio-proxy's image: the annotation, a whole reference in the values, or hub, image and tag of the right type. */
export function proxyImage(options: PodOptions): string {
  const { hub, proxy, tag, variant } = options.settings.values.global;
  const whole = annotationOf(options.pod, annotations.proxyImage) ?? proxy.image;
  if (whole.includes("/")) return whole;
  const configured = options.proxyConfig.image?.imageType || variant;
  const type = annotationOf(options.pod, annotations.proxyImageType) ?? configured;
  return imageReference(hub, proxy.image, typedTag(tag, type));
}

/** A stock Envoy: the annotation's image, or the one set. */
export function envoyImage(options: PodOptions): string {
  return ownImage(options) ?? options.settings.envoy.proxyImage;
}

/** istio-init's image: the annotation's, or the one of the values. */
export function initImage(options: PodOptions): string {
  const { hub, proxy_init: init, tag } = options.settings.values.global;
  const own = ownImage(options);
  if (own !== undefined) return own;
  return init.image.includes("/") ? init.image : imageReference(hub, init.image, tag);
}
