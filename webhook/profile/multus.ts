/** The network that Multus attaches for the node agent's plugin. */
const name = "istio-cni";
const namespace = "default";

/**
 * Adds Istio's network to the value of `k8s.v1.cni.cncf.io/networks`: a list of names with commas, or JSON. It is
 * added once.
 */
export function withIstioNetwork(networks: string | undefined): string {
  const own = `${namespace}/${name}`;
  const text = networks?.trim() ?? "";
  if (text === "") return own;
  if (text.startsWith("[")) return appendedToJson(text);
  return text.split(",").some((network) => network.trim() === own) ? text : `${text}, ${own}`;
}

/** Appends to the JSON list as it is written, so that what the user wrote stays. */
function appendedToJson(text: string): string {
  const end = text.lastIndexOf("]");
  const before = text.slice(0, end).trimEnd();
  const list = parsed(text);
  if (end < 0 || list === undefined) return text;
  const isOwn = (item: unknown) => (item as { name?: string; namespace?: string } | null)?.name === name;
  if (list.some(isOwn)) return text;
  const item = `{"name": "${name}", "namespace": "${namespace}"}`;
  return list.length === 0 ? `[${item}]` : `${before}, ${item}${text.slice(end)}`;
}

/** The value without Istio's network; undefined if nothing else is left. */
export function withoutIstioNetwork(networks: string | undefined): string | undefined {
  if (networks === undefined) return undefined;
  const item = `{"name": "${name}", "namespace": "${namespace}"}`;
  const rest = networks.trim().startsWith("[")
    ? networks.replace(`, ${item}`, "").replace(item, "")
    : networks.replace(new RegExp(`(, )?${namespace}/${name}$`), "");
  return rest === "" || rest === "[]" ? undefined : rest;
}

function parsed(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
