import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../mesh/errors.ts";
import { injectionSettings, type SettingsInput } from "../settings.ts";
import { readConfiguration } from "./configuration.ts";
import { proxyConfigJson } from "./proxy-config-merge.ts";

function problemsOf(input: SettingsInput): string[] {
  try {
    injectionSettings(input);
  } catch (error) {
    assert.ok(error instanceof OutriggerError);
    return error.problems.map(({ field, message }) => `${field} ${message}`);
  }
  return [];
}

const refused: { what: string; input: SettingsInput; problems: RegExp[] }[] = [
  { what: "a values file that is a list", input: { values: [] }, problems: [/^values must be an object, not a list/] },
  {
    what: "two bad values at once",
    input: { values: { global: { logAsJson: "perhaps", proxy: { statusPort: "high" } } } },
    problems: [/^values\.global\.logAsJson /, /^values\.global\.proxy\.statusPort must be a whole number/],
  },
  {
    what: "a quantity that is none",
    input: { values: { global: { proxy: { resources: { limits: { cpu: "much" } } } } } },
    problems: [/resources\.limits\.cpu must be a quantity/],
  },
  {
    what: "a duration in minutes",
    input: { meshConfig: { defaultConfig: { drainDuration: "5m" } } },
    problems: [/^mesh config\.defaultConfig\.drainDuration must be a duration in seconds/],
  },
  {
    what: "a port out of range",
    input: { meshConfig: { proxyListenPort: 70000 } },
    problems: [/^mesh config\.proxyListenPort /],
  },
  {
    what: "an unknown mode",
    input: { meshConfig: { defaultConfig: { interceptionMode: "REDIRECTION" } } },
    problems: [/interceptionMode /],
  },
  {
    what: "a selector's operator",
    input: { injectorConfig: { neverInjectSelector: [{ matchExpressions: [{ key: "a", operator: "Is" }] }] } },
    problems: [/^injector config\.neverInjectSelector\[0\]\.matchExpressions\[0\]\.operator /],
  },
  {
    what: "a template that is no object",
    input: { injectorConfig: { templates: { mine: "just text" } } },
    problems: [/^templates\.mine must be a YAML object/],
  },
];

for (const { what, input, problems } of refused) {
  test(`configuration refused: ${what}`, () => {
    const found = problemsOf(input);
    assert.equal(found.length, problems.length, found.join("\n"));
    for (const [index, problem] of problems.entries()) assert.match(found[index] ?? "", problem);
  });
}

test("a selector that Kubernetes would refuse is left out with a warning", () => {
  const injectorConfig = { alwaysInjectSelector: [{ matchLabels: { "a b": "c" } }, { matchLabels: { app: "till" } }] };
  const settings = injectionSettings({ injectorConfig });
  assert.deepEqual(settings.alwaysInjectSelector, [{ matchLabels: { app: "till" } }]);
  assert.match(
    settings.warnings.join(),
    /alwaysInjectSelector\[0\] "a b" is not a label key; the selector is left out/,
  );
});

test("fields of later releases in the mesh's ProxyConfig are left out with a warning", () => {
  const settings = injectionSettings({ meshConfig: { defaultConfig: { newField: 1, concurrency: 3 }, other: {} } });
  assert.equal(settings.mesh.defaultConfig.concurrency, 3);
  assert.match(settings.warnings.join(), /defaultConfig\.newField is not a known field/);
});

const mesh = "defaultConfig:\n  concurrency: 3\n";
const values = '{"global": {"hub": "r.example"}, "revision": "canary"}';
const config = "policy: disabled\ntemplate: '{{ nosuchfunction }}'\n";
const indented = (text: string) => text.replaceAll("\n", "\n    ");

test("configuration is read from plain files", () => {
  const read = readConfiguration({
    meshConfig: { name: "mesh.yaml", text: mesh },
    values: { name: "values.json", text: values },
  });
  const settings = injectionSettings(read);
  assert.equal(settings.mesh.defaultConfig.concurrency, 3);
  assert.equal(settings.revision, "canary");
  assert.equal(settings.policy, "enabled");
});

test("configuration is read from Istio's ConfigMaps, and the decoy template in it is not", () => {
  const istio = `kind: ConfigMap\ndata:\n  mesh: |\n    ${indented(mesh)}\n`;
  const injector = `kind: ConfigMap\ndata:\n  values: |\n    ${values}\n  config: |\n    ${indented(config)}\n`;
  const read = readConfiguration({
    meshConfig: { name: "istio", text: istio },
    values: { name: "injector", text: injector },
  });
  const settings = injectionSettings(read);
  assert.equal(settings.mesh.defaultConfig.concurrency, 3);
  assert.equal(settings.values.global.hub, "r.example");
  assert.equal(settings.policy, "disabled");
});

test("a syntax error names the file and the key", () => {
  const text = "kind: ConfigMap\ndata:\n  values: '{'\n";
  assert.throws(
    () => readConfiguration({ values: { name: "injector.yaml", text } }),
    /injector\.yaml data\.values is not YAML/,
  );
});

const printed: { what: string; defaultConfig: object; json: string }[] = [
  { what: "the defaults", defaultConfig: {}, json: "{}" },
  {
    what: "what differs, in the message's order",
    defaultConfig: { statusPort: 1234, concurrency: 0, configPath: "/etc" },
    json: '{"configPath":"/etc","concurrency":0,"statusPort":1234}',
  },
  {
    what: "durations as protobuf prints them",
    defaultConfig: { drainDuration: "1.5s", terminationDrainDuration: "5.0s" },
    json: '{"drainDuration":"1.500s"}',
  },
  { what: "enums by name", defaultConfig: { interceptionMode: 1 }, json: '{"interceptionMode":"TPROXY"}' },
  {
    what: "maps sorted",
    defaultConfig: { proxyMetadata: { B: "2", A: "1" } },
    json: '{"proxyMetadata":{"A":"1","B":"2"}}',
  },
  { what: "an empty message", defaultConfig: { tracing: {} }, json: '{"tracing":{}}' },
  {
    what: "a false that says something",
    defaultConfig: { holdApplicationUntilProxyStarts: false },
    json: '{"holdApplicationUntilProxyStarts":false}',
  },
  { what: "names in snake case", defaultConfig: { discovery_address: "d:1" }, json: '{"discoveryAddress":"d:1"}' },
  {
    what: "one of two alternatives",
    defaultConfig: { tracingServiceName: "CANONICAL_NAME_ONLY" },
    json: '{"tracingServiceName":"CANONICAL_NAME_ONLY"}',
  },
];

for (const { what, defaultConfig, json } of printed) {
  test(`ProxyConfig printed: ${what}`, () => {
    const { mesh: read } = injectionSettings({ meshConfig: { defaultConfig } });
    assert.equal(proxyConfigJson(read.defaultConfig), json);
  });
}
