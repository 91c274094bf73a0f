/**
 * Which namespaces see a Service: all, or these.
 * Source: https://istio.io/latest/docs/reference/config/annotations/#NetworkingExportTo
 */
export type Visibility = "everywhere" | ReadonlySet<string>;

export const exportToAnnotation = "networking.istio.io/exportTo";

/** What the annotation says: `*` all namespaces, `.` the Service's own, `~` none, else a namespace's name; with commas. */
export function visibilityOf(exportTo: string, namespace: string): Visibility {
  const words = exportTo
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "" && word !== "~");
  if (words.includes("*")) return "everywhere";
  return new Set(words.map((word) => (word === "." ? namespace : word)));
}

export function isVisible(visibility: Visibility, from: string): boolean {
  return visibility === "everywhere" || visibility.has(from);
}
