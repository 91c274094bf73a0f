/**
 * Placeholders stand in a manifest where a chart's template has an expression. The manifests are built with them as if
 * they were settings, printed as YAML, and only then become template text.
 */
const open = "@@";
const pattern = /@@([^@]+)@@/g;

/** A setting, by its path below `.Values`. */
export function value(path: string): string {
  return `${open}${path}${open}`;
}

/** When the chart has a control plane. */
export const discoveryActive = '(and $.Values.discovery.enabled (eq $.Values.injection.profile "envoy"))';

/** Where the chart's template has something other than `.Values.PATH`. */
const expressions: Readonly<Record<string, string>> = {
  namespace: "$.Release.Namespace",
  // Revisions other than the default one have their name at the end of their objects' names.
  suffix: '(include "outrigger.suffix" $)',
  item: "$item",
  "discovery.active": discoveryActive,
  "discovery.locality": "(toJson $.Values.discovery.localityLbSetting)",
};

function expression(path: string): string {
  return expressions[path] ?? `$.Values.${path}`;
}

/** A scalar with placeholders as a template that prints it quoted: a value can never become structure. */
function scalarTemplate(text: string): string {
  const parts = [...text.matchAll(pattern)].map((match) => expression(match[1] ?? ""));
  const [only] = parts;
  if (parts.length === 1 && text.replace(pattern, "") === "") return `{{ ${only} | quote }}`;
  const format = JSON.stringify(text.replaceAll("%", "%%").replaceAll(pattern, "%v"));
  return `{{ printf ${format} ${parts.join(" ")} | quote }}`;
}

const line = /^(\s*(?:- )?(?:[\w./-]+: )?)(["']?)(.*@@.*)\2$/;

function templateLine(text: string): string {
  const [, head = "", , scalar = ""] = line.exec(text) ?? [];
  if (scalar === "") throw new Error(`a placeholder where no scalar is: ${text}`);
  const integer = /^@@int:([^@]+)@@$/.exec(scalar)?.[1];
  if (integer !== undefined) return `${head}{{ ${expression(integer)} | int }}`;
  const negated = /^@@not:([^@]+)@@$/.exec(scalar)?.[1];
  if (negated !== undefined) return `${head}{{ not ${expression(negated)} }}`;
  const tree = /^@@yaml:([^@]+)@@$/.exec(scalar)?.[1];
  const indent = /^\s*/.exec(head)?.[0].length ?? 0;
  if (tree !== undefined) return `${head.trimEnd()}\n{{ toYaml ${expression(tree)} | indent ${indent + 2} }}`;
  const list = /@@each:([^@]+)@@/.exec(scalar)?.[1];
  if (list === undefined) return head + scalarTemplate(scalar);
  const item = scalarTemplate(scalar.replace(`@@each:${list}@@`, value("item")));
  return `{{- range $item := ${expression(list)} }}\n${head}${item}\n{{- end }}`;
}

/** Turns printed YAML with placeholders into template text. Braces that were there already are kept as they are. */
export function toTemplate(yaml: string): string {
  const escaped = yaml.replaceAll(/\{\{.*?\}\}/g, (braces) => `{{ ${JSON.stringify(braces)} }}`);
  return escaped
    .replaceAll("-@@revision@@", "@@suffix@@")
    .split("\n")
    .map((text) => (text.includes(open) ? templateLine(text) : text))
    .join("\n");
}
