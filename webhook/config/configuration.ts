import { isObject } from "../../mesh/json.ts";
import { readYaml } from "../../mesh/yaml.ts";

/** A text with the name that errors give it. */
export interface ConfigurationText {
  readonly name: string;
  readonly text: string;
}

/** Texts of configuration, each as its own YAML or JSON or as the ConfigMap that Istio keeps it in. */
export interface ConfigurationTexts {
  /** MeshConfig, or the ConfigMap `istio` with the key `mesh`. */
  readonly meshConfig?: ConfigurationText;
  /** Helm values, or the ConfigMap `istio-sidecar-injector` with the keys `values` and `config`. */
  readonly values?: ConfigurationText;
  /** The injector's configuration, where it is not in the same ConfigMap as the values. */
  readonly injectorConfig?: ConfigurationText;
  /** The roots that sidecars know the control plane by, as PEM. */
  readonly discoveryRoots?: ConfigurationText;
}

/** What the texts read as. */
export interface Configuration {
  readonly meshConfig?: unknown;
  readonly values?: unknown;
  readonly injectorConfig?: unknown;
}

/** The value of a text, or, if the text is a ConfigMap, of one of its keys. Undefined if the ConfigMap lacks the key. */
function valueIn({ name, text }: ConfigurationText, key: string): unknown {
  const value = readYaml(text, name);
  if (!isObject(value) || value.kind !== "ConfigMap") return value;
  const inner = isObject(value.data) ? value.data[key] : undefined;
  return typeof inner === "string" ? readYaml(inner, `${name} data.${key}`) : undefined;
}

function isConfigMap({ name, text }: ConfigurationText): boolean {
  const value = readYaml(text, name);
  return isObject(value) && value.kind === "ConfigMap";
}

/**
 * Reads the texts of a configuration.
 * @throws OutriggerError BAD_CONFIGURATION with the line of each syntax error
 */
export function readConfiguration({ meshConfig, values, injectorConfig }: ConfigurationTexts): Configuration {
  const besideValues = values !== undefined && isConfigMap(values) ? values : undefined;
  const injector = injectorConfig ?? besideValues;
  return {
    ...(meshConfig && { meshConfig: valueIn(meshConfig, "mesh") }),
    ...(values && { values: valueIn(values, "values") }),
    ...(injector && { injectorConfig: valueIn(injector, "config") }),
  };
}
