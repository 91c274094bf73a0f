import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isObject } from "../../mesh/json.ts";
import type { Container, Pod } from "../../mesh/pod.ts";
import { arbitraryPod } from "../../test/arbitrary-pod.ts";
import { noClusterFacts } from "../cluster-facts.ts";
import { inject } from "../pipeline/inject.ts";
import { profileNames } from "../profile/profiles.ts";
import { injectionSettings } from "../settings.ts";
import { injectYaml } from "./inject-yaml.ts";
import { uninject } from "./uninject.ts";
import { uninjectYaml } from "./uninject-yaml.ts";

const context = { namespace: "shop", urlEnv: {}, facts: noClusterFacts };

/** Named ports as numbers: a probe's port comes back by name where it has one. */
function withPortNumbers(value: unknown, ports: Container["ports"]): unknown {
  if (Array.isArray(value)) return value.map((item) => withPortNumbers(item, ports));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([field, held]) => {
    const named = field === "port" && ports?.find(({ name }) => name === held);
    return [field, named ? named.containerPort : withPortNumbers(held, ports)];
  });
  return Object.fromEntries(entries);
}

/** The Pod without what an injection cannot tell from its own: empty lists, and a default container that is the first. */
function comparable(pod: Pod): unknown {
  const { annotations = {}, ...metadata } = pod.metadata;
  const [first] = pod.spec.containers;
  const said = Object.entries(annotations).filter(
    ([name, value]) => !(name === "kubectl.kubernetes.io/default-container" && value === first?.name),
  );
  const spec = Object.fromEntries(
    Object.entries(pod.spec).filter(([, value]) => !(Array.isArray(value) && value.length === 0)),
  ) as Pod["spec"];
  const lists = (["containers", "initContainers"] as const).map((list) => [
    list,
    spec[list]?.map((container) => withPortNumbers(container, container.ports)),
  ]);
  const compared = {
    ...pod,
    metadata: { ...metadata, annotations: Object.fromEntries(said) },
    spec: { ...spec, ...Object.fromEntries(lists) },
  };
  const isEmpty = (field: string, value: unknown) =>
    (field === "path" && value === "") || (field === "labels" && isObject(value) && Object.keys(value).length === 0);
  return JSON.parse(JSON.stringify(compared, (field, value: unknown) => (isEmpty(field, value) ? undefined : value)));
}

/** Not told apart: a path or port that the first target repeats; an author's annotations that are just the injected ones. */
const isPlain = ({ metadata: { annotations = {} } }: Pod) =>
  annotations["prometheus.istio.io/scrape-targets"] === undefined &&
  annotations["prometheus.io/path"] !== "/stats/prometheus";

for (const profile of profileNames) {
  for (const nativeSidecars of ["enabled", "disabled"] as const) {
    test(`uninject gives back what was injected: ${profile}, native sidecars ${nativeSidecars}`, () => {
      const settings = injectionSettings({ profile, nativeSidecars });
      fc.assert(
        fc.property(arbitraryPod.filter(isPlain), (pod) => {
          const { pod: injected } = inject(pod, settings, context);
          assert.deepEqual(comparable(uninject(injected)), comparable(pod));
        }),
        { numRuns: 300 },
      );
    });
  }
}

test("a Pod that was not injected comes back as it is", () => {
  const pod: Pod = { metadata: { name: "till" }, spec: { containers: [{ name: "till" }] } };
  assert.equal(uninject(pod), pod);
});

test("a document comes back with its comments, and without metadata that it did not have", () => {
  const text = `# the till
kind: Deployment
metadata:
  name: till
spec:
  template:
    spec:
      containers:
      - name: till # main
        image: till:1
`;
  const injected = injectYaml(text, { source: "till.yaml", namespace: "" }, injectionSettings());
  assert.notEqual(injected.text, text);
  assert.equal(uninjectYaml(injected.text, "till.yaml"), text);
});
