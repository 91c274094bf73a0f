import assert from "node:assert/strict";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import { annotations } from "../../mesh/names.ts";
import type { Container, Pod } from "../../mesh/pod.ts";
import { admit } from "../admit.ts";
import { profileNames } from "../profile/profiles.ts";
import { injectionSettings } from "../settings.ts";

/** What would become structure if a Pod were made of text, and what would take all day to read. */
const hostile: Record<string, string> = {
  "a newline": "a\nb: c",
  quotes: "\"'`",
  "a document's end": "\n---\nkind: Pod\n",
  "an item of a list": '"\n - "--privileged',
  "a reference to the environment": "$(TOKEN) $$(TOKEN) $\u007bTOKEN}",
  "a template": "{{ .Values }}",
  "a control character": "\u0000\u001b[2J",
  "300 KB of letters": "x".repeat(300_000),
  "300 KB of quotes": '"'.repeat(300_000),
  "300 KB of brackets": "[".repeat(300_000),
  "300 KB of anchors": "&a ".repeat(100_000),
  "300 KB of ports": "80,".repeat(100_000),
  "300 KB of templates": `${"sidecar,".repeat(37_500)}sidecar`,
};

const names: readonly string[] = [
  ...Object.values(annotations).filter((name) => name !== annotations.inject),
  ...["scrape", "port", "path"].map((key) => `prometheus.io/${key}`),
  "resource.opentelemetry.io/service.name",
  "apm.datadoghq.com/env",
];

const podWith = (given: Record<string, string>): Pod => ({
  metadata: { name: "till", annotations: given },
  spec: { containers: [{ name: "till", image: "till:1" }] },
});

const all = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers];

/** What a Pod is made of: containers, how many arguments each has, what each may do, and the kinds of volumes. */
function structure(pod: Pod): unknown {
  return {
    containers: all(pod).map(({ name, command, args, securityContext }) => ({
      name,
      command,
      args: args?.length,
      capabilities: securityContext?.capabilities,
      privileged: securityContext?.privileged ?? false,
    })),
    volumes: pod.spec.volumes?.map(({ name, ...source }) => [name, Object.keys(source)]),
    fields: Object.keys(pod.spec).sort(),
  };
}

/** Annotations that add something when they hold anything at all; what they add is the same for every value. */
const adding: ReadonlySet<string> = new Set([
  annotations.bootstrapOverride,
  annotations.excludeInterfaces,
  annotations.rerouteVirtualInterfaces,
  annotations.kubevirtInterfaces,
  annotations.nativeSidecar,
]);

for (const profile of profileNames) {
  const settings = injectionSettings({ profile });
  const inject = (object: Pod): Pod | string => {
    const admission = admit({ namespace: "shop", object }, settings);
    if (!admission.allowed) return admission.message;
    const operations = admission.patch as fastJsonPatch.Operation[];
    return fastJsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
  };

  for (const [what, value] of Object.entries(hostile)) {
    test(`${profile}: ${what} in any annotation is refused with few words, or stays text`, () => {
      for (const name of names) {
        const result = inject(podWith({ [name]: value }));
        if (typeof result === "string") {
          assert.ok(result.length < 20_000, `${name}: ${result.length} characters`);
          assert.match(result, /metadata\.annotations\["/);
          continue;
        }
        const plain = inject(podWith(adding.has(name) ? { [name]: "eth1" } : {}));
        assert.ok(typeof plain !== "string", String(plain));
        assert.deepEqual(structure(result), structure(plain), name);
      }
    });
  }
}

test("one denial lists every annotation that is bad", () => {
  const admission = admit(
    { namespace: "shop", object: podWith(Object.fromEntries(names.map((name) => [name, '"\n - "']))) },
    injectionSettings({ profile: "istio" }),
  );
  assert.ok(!admission.allowed);
  const free: readonly string[] = [
    annotations.status,
    annotations.bootstrapOverride,
    annotations.nativeSidecar,
    annotations.capNetBindService,
    annotations.rewriteAppHttpProbers,
  ];
  const checked = names.filter(
    (name) => /^(sidecar|traffic\.sidecar|status\.sidecar|readiness)/.test(name) && !free.includes(name),
  );
  for (const name of checked) assert.ok(admission.message.includes(`["${name}"] `), `${name} is not in the denial`);
});
