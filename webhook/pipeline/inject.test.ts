import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import type { Container, Pod } from "../../mesh/pod.ts";
import { arbitraryPod } from "../../test/arbitrary-pod.ts";
import { foreignMutations } from "../../test/foreign-mutations.ts";
import { admit } from "../admit.ts";
import { profileNames } from "../profile/profiles.ts";
import { type InjectionSettings, injectionSettings } from "../settings.ts";

const waiting = { global: { proxy: { holdApplicationUntilProxyStarts: true } } };

const variants: Record<string, InjectionSettings> = Object.fromEntries(
  profileNames.flatMap((profile) => [
    [profile, injectionSettings({ profile })],
    [`${profile}, no native sidecars`, injectionSettings({ profile, nativeSidecars: "disabled" })],
    [`${profile} under CNI`, injectionSettings({ profile, values: { pilot: { cni: { enabled: true } } } })],
    [`${profile} in a network`, injectionSettings({ profile, values: { global: { network: "n1" } } })],
    [`${profile}, the application waits`, injectionSettings({ profile, nativeSidecars: "disabled", values: waiting })],
    [`${profile}'s gateway`, injectionSettings({ profile, injectorConfig: { defaultTemplates: ["gateway"] } })],
  ]),
);

function injected(object: Pod, settings: InjectionSettings): Pod {
  const admission = admit({ namespace: "shop", object }, settings);
  assert.ok(admission.allowed, admission.allowed ? "" : admission.message);
  return fastJsonPatch.applyPatch(structuredClone(object), admission.patch as fastJsonPatch.Operation[], true)
    .newDocument;
}

const all = (pod: Pod): Container[] => [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
const names = (pod: Pod) => all(pod).map(({ name }) => name);

function assertSound(pod: Pod): void {
  const seen = names(pod);
  assert.deepEqual(
    seen.filter((name) => name === "istio-proxy"),
    ["istio-proxy"],
  );
  assert.equal(new Set(seen).size, seen.length, "each container once");
  for (const container of all(pod)) {
    for (const list of [container.env ?? [], pod.spec.volumes ?? []]) {
      assert.equal(new Set(list.map(({ name }) => name)).size, list.length, `no name twice in ${container.name}`);
    }
    const paths = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
    assert.equal(new Set(paths).size, paths.length, `no path mounted twice in ${container.name}`);
  }
}

for (const template of ["grpc-agent", "grpc-simple"]) {
  test(`${template}: injecting an injected Pod changes nothing`, () => {
    const settings = injectionSettings({ profile: "istio", injectorConfig: { defaultTemplates: [template] } });
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const once = injected(pod, settings);
        assert.deepEqual(injected(once, settings), once);
      }),
      { numRuns: 150 },
    );
  });
}

for (const [name, settings] of Object.entries(variants)) {
  test(`${name}: injecting an injected Pod changes nothing`, () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const once = injected(pod, settings);
        assertSound(once);
        const again = admit({ namespace: "shop", object: once }, settings);
        assert.ok(again.allowed);
        assert.deepEqual(again.patch, []);
      }),
      { numRuns: 150 },
    );
  });

  test(`${name}: whatever others do in between, the Pod settles with one istio-proxy in its place`, () => {
    const steps = fc.array(fc.constantFrom(...foreignMutations, undefined), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(arbitraryPod, steps, (pod, interleaving) => {
        let current = injected(pod, settings);
        for (const step of interleaving)
          current = step === undefined ? injected(current, settings) : step.apply(current);
        const settled = injected(current, settings);
        assertSound(settled);
        assert.deepEqual(injected(settled, settings), settled, "settled");
        const foreign = interleaving.filter((step) => step !== undefined);
        const round = (start: Pod) =>
          injected(
            foreign.reduce((changed, { apply }) => apply(changed), start),
            settings,
          );
        const fixpoint = round(settled);
        assert.deepEqual(round(fixpoint), fixpoint, "another round of everybody changes nothing");
      }),
      { numRuns: 100 },
    );
  });

  test(`${name}: the user's own Pod is left as it was, but for what injection adds`, () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const text = JSON.stringify(pod);
        const result = injected(pod, settings);
        assert.equal(JSON.stringify(pod), text, "the Pod given is not changed");
        assert.deepEqual(result.spec.futureField, pod.spec.futureField);
        for (const before of pod.spec.containers.filter((one) => one.name !== "istio-proxy")) {
          const now = result.spec.containers.find((one) => one.name === before.name);
          assert.deepEqual(now?.env, before.env);
          assert.deepEqual(now?.futureField, before.futureField);
        }
      }),
      { numRuns: 100 },
    );
  });
}
