import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { localitySetting } from "./locality-setting.ts";
import { schemaProblems } from "./schema-problems.ts";

const cases: readonly (readonly [string, unknown, string])[] = [
  ["nothing", {}, ""],
  ["off", { enabled: false }, ""],
  ["failover", { failover: [{ from: "us-east", to: "us-west" }] }, ""],
  ["labels", { failoverPriority: ["topology.kubernetes.io/region", "version=v1"], failover: [] }, ""],
  ["shares", { distribute: [{ from: "us/a/*", to: { "us/a/*": 80, "us/b/rack-1": 20 } }] }, ""],
  ["everything below", { distribute: [{ from: "*", to: { "us/*": 100 } }] }, ""],
  ["an unknown field", { failOver: [] }, "failOver is not a known field"],
  ["too little", { distribute: [{ from: "us", to: { us: 90 } }] }, "distribute[0].to does not add up to 100"],
  ["a share of nothing", { distribute: [{ from: "us", to: { us: 100, eu: 0 } }] }, "distribute[0].to.eu is below 1"],
  [
    "a wildcard in the middle",
    { distribute: [{ from: "us/*/rack", to: { us: 100 } }] },
    "distribute[0].from is not region/zone/subzone, with * as the last part for all below",
  ],
  ["to itself", { failover: [{ from: "us", to: "us" }] }, "failover[0] leads to itself"],
  ["a zone", { failover: [{ from: "us/a", to: "eu" }] }, "failover[0].from is not the name of a region"],
  [
    "twice",
    {
      failover: [
        { from: "us", to: "eu" },
        { from: "us", to: "asia" },
      ],
    },
    "failover has the same `from` twice",
  ],
  [
    "both kinds",
    { distribute: [{ from: "us", to: { us: 100 } }], failoverPriority: ["a"] },
    "(the whole object) has distribute together with failover or failoverPriority",
  ],
];

for (const [name, given, expected] of cases) {
  test(`localityLbSetting, ${name}: ${expected || "valid"}`, () => {
    const { issues = [] } = v.safeParse(localitySetting, given);
    const problems = schemaProblems(issues).map(({ field, message }) => `${field} ${message}`);
    assert.deepEqual(problems, expected === "" ? [] : [expected]);
  });
}
