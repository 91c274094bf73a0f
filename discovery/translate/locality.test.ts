import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as v from "valibot";
import { type LocalitySettingInput, localitySetting, noLocalitySetting } from "../../mesh/locality-setting.ts";
import { serviceFrom } from "../registry/service.ts";
import { deciding, distance, preferenceOf, reachOf, shareOf, sharesFor } from "./locality.ts";
import { labelsOf } from "./place.ts";

const service = (trafficDistribution?: string, clusterIP = "10.96.0.1", annotations: Record<string, string> = {}) => {
  const spec = { clusterIP, ports: [{ port: 80 }], ...(trafficDistribution && { trafficDistribution }) };
  const found = serviceFrom(
    { metadata: { namespace: "shop", name: "web", annotations }, spec },
    { domain: "cluster.local", exportTo: "*" },
  );
  assert.ok(found);
  return found;
};
const setting = (given: LocalitySettingInput) => v.parse(localitySetting, given);

/** `region/zone/subzone@node`, with labels of the Pod. */
function standing(text: string, labels: Record<string, string> = {}) {
  const [where = "", node = ""] = text.split("@");
  const [region = "", zone = "", subZone = ""] = where.split("/");
  return labelsOf({ locality: { region, zone, subZone }, node, labels });
}

/** The places in the order of their distance, those that are equally far joined by `=`. */
function order(preference: ReturnType<typeof preferenceOf>, from: string, places: readonly string[]): string {
  assert.ok(preference);
  const byDistance = Map.groupBy(places, (place) => distance(preference, standing(from), standing(place)));
  const sorted = [...byDistance].sort(([one], [other]) => one - other);
  return sorted.map(([, group]) => group.join(" = ")).join(", ");
}

describe("the order in which clients prefer endpoints", () => {
  const client = "us/a/1@n1";
  const places = ["us/a/1@n1", "us/a/1@n2", "us/a/2@n3", "us/b/1@n4", "eu/a/1@n5", "asia/a/1@n6"];
  const mesh = (given: LocalitySettingInput) => preferenceOf(service(), setting(given));
  const cases: readonly (readonly [string, ReturnType<typeof preferenceOf>, string])[] = [
    ["PreferClose", preferenceOf(service("PreferClose"), noLocalitySetting), "0 = 1, 2, 3, 4 = 5"],
    ["PreferSameZone", preferenceOf(service("PreferSameZone"), noLocalitySetting), "0 = 1 = 2, 3, 4 = 5"],
    ["PreferSameNode", preferenceOf(service("PreferSameNode"), noLocalitySetting), "0, 1, 2, 3, 4 = 5"],
    ["the mesh's own", mesh({}), "0 = 1, 2, 3, 4 = 5"],
    ["failover from another region", mesh({ failover: [{ from: "eu", to: "us" }] }), "0 = 1, 2, 3, 4 = 5"],
    ["failover", mesh({ failover: [{ from: "us", to: "asia" }] }), "0 = 1, 2, 3, 5, 4"],
    ["labels", mesh({ failoverPriority: ["topology.kubernetes.io/zone"] }), "0 = 1 = 2 = 4 = 5, 3"],
    ["a label with a value", mesh({ failoverPriority: ["topology.kubernetes.io/region=eu"] }), "4, 0 = 1 = 2 = 3 = 5"],
    ["shares", mesh({ distribute: [{ from: "*", to: { us: 100 } }] }), "0 = 1 = 2 = 3 = 4 = 5"],
  ];
  for (const [name, preference, expected] of cases) {
    const wanted = expected.replaceAll(/\d/g, (index) => places[Number(index)] ?? "");
    it(`${name}: ${wanted}`, () => assert.equal(order(preference, client, places), wanted));
  }

  it("is none where nothing is known of the client", () => {
    assert.equal(order(mesh({}), "", places), places.join(" = "));
  });

  it("goes by labels of Pods, too", () => {
    const preference = mesh({ failoverPriority: ["version"] });
    assert.ok(preference);
    const from = standing("us", { version: "v1" });
    assert.equal(distance(preference, from, standing("eu", { version: "v1" })), 0);
    assert.notEqual(distance(preference, from, standing("us", { version: "v2" })), 0);
  });
});

describe("whether there is a preference", () => {
  it("none by default, for Any, and for a headless Service", () => {
    assert.equal(preferenceOf(service(), noLocalitySetting), undefined);
    assert.equal(preferenceOf(service("Any"), setting({})), undefined);
    assert.equal(preferenceOf(service("PreferClose", "None"), setting({})), undefined);
    assert.equal(preferenceOf(service("Elsewhere"), setting({ enabled: false })), undefined);
  });

  it("the annotation goes before the field", () => {
    const annotations = { "networking.istio.io/traffic-distribution": "PreferSameNode" };
    const preference = preferenceOf(service("PreferClose", "10.96.0.1", annotations), noLocalitySetting);
    assert.equal(preference && reachOf(preference), "node");
  });

  it("differs from node to node only where nodes count", () => {
    const preference = preferenceOf(service("PreferClose"), noLocalitySetting);
    assert.equal(preference && reachOf(preference), "locality");
    assert.deepEqual(deciding("locality", setting({ failoverPriority: ["version", "app=web"] })), [
      "topology.kubernetes.io/region",
      "topology.kubernetes.io/zone",
      "topology.istio.io/subzone",
      "version",
    ]);
  });
});

describe("shares", () => {
  const preference = preferenceOf(
    service(),
    setting({ distribute: [{ from: "us/a/*", to: { "us/a/*": 70, "us/*": 20, "eu/a/1": 10 } }] }),
  );
  const locality = (text: string) => {
    const [region = "", zone = "", subZone = ""] = text.split("/");
    return { region, zone, subZone };
  };

  it("are those of the client's locality", () => {
    assert.ok(preference);
    assert.equal(sharesFor(preference, locality("us/b")), undefined);
    assert.equal(sharesFor(preference, locality("us/a/1"))?.size, 3);
  });

  it("count a locality where it is named most exactly", () => {
    const shares = preference && sharesFor(preference, locality("us/a/1"));
    assert.ok(shares);
    const entry = (text: string) => shareOf(shares, locality(text));
    assert.deepEqual(["us/a/2", "us/b/1", "eu/a/1", "eu/a/2", "asia"].map(entry), [
      "us/a/*",
      "us/*",
      "eu/a/1",
      undefined,
      undefined,
    ]);
  });
});
