import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import { annotations } from "../../mesh/names.ts";
import type { Container, Pod } from "../../mesh/pod.ts";
import { type Admission, admit } from "../admit.ts";
import { profileNames } from "../profile/profiles.ts";
import { injectionSettings } from "../settings.ts";
import { annotationProblems } from "./validate.ts";

const podWith = (given: Record<string, string>): Pod => ({
  metadata: { name: "till", annotations: given },
  spec: { containers: [{ name: "till", image: "till:1" }] },
});

const table: { name: string; good: string[]; bad: string[] }[] = [
  { name: annotations.interceptionMode, good: ["REDIRECT", "TPROXY", "NONE"], bad: ["", "redirect", "TPROXY "] },
  {
    name: annotations.includeOutboundIPRanges,
    good: ["", "*", "10.0.0.0/8", "10.0.0.0/8, fd00::/8"],
    bad: ["bad", "10.0.0.0", "10.0.0.0/33", "*,10.0.0.0/8", "::/129"],
  },
  { name: annotations.excludeOutboundIPRanges, good: ["", "10.96.0.2/24"], bad: ["*", "10.0.0.0/8;reboot"] },
  {
    name: annotations.includeInboundPorts,
    good: ["", "*", "80,443", "8000:8099"],
    bad: ["bad", "0", "65536", "8099:8000", "1e3", "0x50", "80\n90"],
  },
  { name: annotations.excludeInboundPorts, good: ["", "80"], bad: ["*", "http"] },
  { name: annotations.includeOutboundPorts, good: ["", "3306"], bad: ["*", '80"\n- "--privileged'] },
  { name: annotations.excludeOutboundPorts, good: ["", "3306"], bad: ["bad", "80 --foo"] },
  {
    name: annotations.excludeInterfaces,
    good: ["", "eth1,net-0.1_x"],
    bad: ["-eth", "a234567890123456", "eth0;id", "eth0 -j ACCEPT"],
  },
  { name: annotations.rerouteVirtualInterfaces, good: ["net1,net2"], bad: ["net1\n"] },
  { name: annotations.kubevirtInterfaces, good: ["net1"], bad: ["-net"] },
  { name: annotations.statusPort, good: ["0", "15020", "65535"], bad: ["", "65536", "-1", "a"] },
  { name: annotations.readinessPeriodSeconds, good: ["0", "4294967295"], bad: ["4294967296", "1.5"] },
  { name: annotations.proxyCpu, good: ["100m", "2"], bad: ["", "two", "100m\n", "100m # x"] },
  { name: annotations.proxyMemoryLimit, good: ["1Gi"], bad: ["1 Gi"] },
  { name: annotations.mergeMetrics, good: ["true", "False"], bad: ["", "yes"] },
  { name: annotations.logLevel, good: ["debug"], bad: ["debug\n- --x"] },
];

for (const { name, good, bad } of table) {
  test(`annotation ${name}`, () => {
    for (const value of good) assert.deepEqual(annotationProblems(podWith({ [name]: value }), "envoy"), [], value);
    for (const value of bad) {
      const [problem] = annotationProblems(podWith({ [name]: value }), "envoy");
      assert.ok(problem, JSON.stringify(value));
      assert.equal(problem.field, `metadata.annotations["${name}"]`);
      assert.equal(problem.value, value);
      assert.ok(problem.remedy);
    }
  });
}

test("ranges of ports are for our own init command, not for Istio's", () => {
  const pod = podWith({ [annotations.includeInboundPorts]: "80,8000-8099" });
  assert.deepEqual(annotationProblems(pod, "envoy"), []);
  assert.match(annotationProblems(pod, "istio")[0]?.message ?? "", /has a range of ports/);
});

const deny = (pod: Pod): Extract<Admission, { allowed: false }> => {
  const admission = admit({ namespace: "shop", object: pod }, injectionSettings({ profile: "istio" }));
  assert.ok(!admission.allowed);
  return admission;
};

test("a denial lists every bad annotation with its value and what may stand there", () => {
  const { message, problems, auditAnnotations } = deny(
    podWith({
      [annotations.includeOutboundPorts]: "all",
      [annotations.excludeOutboundIPRanges]: "*",
      [annotations.proxyCpu]: "much",
      [annotations.statusPort]: "high",
      [annotations.proxyConfig]: "concurrency: many",
      [annotations.userVolume]: "{",
      [annotations.templates]: "none",
    }),
  );
  assert.equal(problems.length, 7);
  for (const value of ["all", "*", "much", "high"]) assert.ok(message.includes(JSON.stringify(value)), message);
  assert.match(message, /use a comma list such as "80,8000:8099"/);
  assert.equal(auditAnnotations.decision, "deny");
});

const denied: { what: string; given: Record<string, string>; message: RegExp }[] = [
  {
    what: "ProxyConfig that is no YAML",
    given: { [annotations.proxyConfig]: "a: [" },
    message: /proxy\.istio\.io\/config"\] is not YAML: .*line/,
  },
  {
    what: "ProxyConfig with a field of another type",
    given: { [annotations.proxyConfig]: "concurrency: many" },
    message: /config"\]\.concurrency "many" must be a whole number/,
  },
  {
    what: "ProxyConfig with an unknown field",
    given: { [annotations.proxyConfig]: "concurency: 1" },
    message: /config"\]\.concurency is not a known field/,
  },
  {
    what: "ProxyConfig whose metadata is no text",
    given: { [annotations.proxyConfig]: "proxyMetadata: {A: 1}" },
    message: /proxyMetadata\.A "1" must be a string/,
  },
  {
    what: "user volumes that are no JSON",
    given: { [annotations.userVolume]: "{" },
    message: /userVolume"\] "\{" is not JSON/,
  },
  {
    what: "user mounts without a path",
    given: { [annotations.userVolumeMount]: '{"a": {}}' },
    message: /userVolumeMount"\]\.a\.mountPath is missing/,
  },
  {
    what: "a template that is not there",
    given: { [annotations.templates]: "sidecar,spire" },
    message: /templates"\] "spire" is not a template; use one of sidecar/,
  },
  { what: "an empty template name", given: { [annotations.templates]: "" }, message: /"" is not a template/ },
  {
    what: "a record of overrides that is no JSON",
    given: { [annotations.overrides]: "{", [annotations.status]: "{}" },
    message: /overrides"\] "\{" is not JSON/,
  },
];

for (const { what, given, message } of denied) {
  test(`denied: ${what}`, () => assert.match(deny(podWith(given)).message, message));
}

test("Prometheus annotations that are not merged may be anything", () => {
  const settings = injectionSettings({ profile: "istio" });
  for (const more of [{ "prometheus.io/scrape": "false" }, { [annotations.mergeMetrics]: "false" }]) {
    assert.ok(
      admit({ namespace: "shop", object: podWith({ "prometheus.io/port": "15090", ...more }) }, settings).allowed,
    );
  }
  assert.ok(admit({ namespace: "shop", object: podWith({ "prometheus.io/port": "15020" }) }, settings).allowed);
});

const hostile = fc.constantFrom(
  "\n- privileged",
  '"\n    - "--privileged',
  "---\nkind: Pod",
  "{{ .Values }}",
  "$(TOKEN)",
  "$\u007bHOME}",
  "`id`",
  "' || true #",
  "\u0000",
  "*/80",
  '{"privileged": true}',
  "a: b",
  "<script>",
);
const anyValue = fc.oneof(
  hostile,
  fc.string(),
  fc.tuple(hostile, fc.string()).map((parts) => parts.join("")),
);

const names = Object.values(annotations).filter(
  (name) => name !== annotations.status && name !== annotations.overrides && name !== annotations.inject,
);

/** The shape of a container: names of its fields and of what it may do; not the texts in it. */
const shape = ({ name, securityContext, ...rest }: Container) => ({
  name,
  securityContext,
  fields: Object.keys(rest).sort(),
});

test("whatever stands in an annotation, it never becomes structure", () => {
  for (const profile of profileNames) {
    const settings = injectionSettings({ profile });
    const plain = admit({ namespace: "shop", object: podWith({}) }, settings);
    assert.ok(plain.allowed);
    fc.assert(
      fc.property(fc.constantFrom(...names), anyValue, (name, value) => {
        const object = podWith({ [name]: value });
        const admission = admit({ namespace: "shop", object }, settings);
        if (!admission.allowed) return;
        const pod = fastJsonPatch.applyPatch(
          structuredClone(object),
          admission.patch as fastJsonPatch.Operation[],
          true,
        ).newDocument;
        const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
        for (const { name: container } of containers) assert.match(container, /^(istio-(init|proxy)|till)$/);
        const proxy = containers.find((one) => one.name === "istio-proxy");
        assert.ok(proxy);
        assert.notEqual(shape(proxy).securityContext?.privileged, true);
        // In arguments, Kubernetes would expand a reference: what a user wrote is doubled.
        const references =
          (proxy.args ?? [])
            .join(" ")
            .replaceAll("$$", "")
            .match(/\$\(\w*\)/g) ?? [];
        for (const reference of references) assert.match(reference, /^\$\((POD_NAME|POD_NAMESPACE|INSTANCE_IP)\)$/);
      }),
      { numRuns: 1000 },
    );
  }
});
