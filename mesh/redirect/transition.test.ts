import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arbitraryCaptureConfig } from "../../test/arbitrary-capture.ts";
import { statesOfRestoreText, tablesOfRestoreText } from "../../test/restore-text.ts";
import type { IpFamily } from "../address.ts";
import { compile } from "./compile.ts";
import { withGroupIds } from "./group-ids.ts";
import { iptablesDifferences, ownLayout } from "./live/iptables-live.ts";
import type { LiveTable } from "./live/live-rule.ts";
import { ownParts } from "./live/own-rules.ts";
import type { RuleSet } from "./rule.ts";
import { savedRuleSet } from "./trace/ruleset.ts";
import { type Connection, type PodNetwork, traceConnection } from "./trace/trace.ts";
import { contentOf, contentOfOwn, hasRules, transition } from "./transition.ts";

const ruleSets = arbitraryCaptureConfig.map((config) => withGroupIds(compile(config), (name) => name.length));
const families: readonly IpFamily[] = ["IPv4", "IPv6"];

/** Rules of others, some of which look like the mesh's. */
const theirs = tablesOfRestoreText(
  [
    "* nat",
    "-N THEIRS",
    "-A PREROUTING -i theirs0 -p tcp -j THEIRS",
    "-A OUTPUT -o theirs0 -j RETURN",
    "-A OUTPUT -p tcp --dport 7 -j THEIRS",
    "COMMIT",
    "* mangle",
    "-A OUTPUT -m mark --mark 77777777 -j RETURN",
    "COMMIT",
    "",
  ].join("\n"),
);

function wanted(ruleSet: RuleSet, family: IpFamily) {
  return ruleSet.families.includes(family) ? contentOf(ruleSet, family) : [];
}

/** The state after a text, or the one before where there is nothing to do. */
function after(text: string, before: readonly LiveTable[]): readonly LiveTable[] {
  return statesOfRestoreText(text, before).at(-1) ?? before;
}

/** What is not the mesh's, in order. */
function foreign(tables: readonly LiveTable[]): string[] {
  const own = new Map(ownParts(tables).map((part) => [part.table, part]));
  return tables.flatMap(({ name, chains }) =>
    chains.flatMap((chain) => {
      const part = own.get(name);
      if (part?.chains.some((each) => each.name === chain.name)) return [];
      const ours = new Set(part?.rules.map(({ rule }) => rule));
      return chain.rules.filter((rule) => !ours.has(rule)).map(({ text }) => `${name} ${chain.name} ${text}`);
    }),
  );
}

const untouched = foreign(theirs);

test("whatever stands is led to what is to be, and from there to nothing, with others' rules where they were", () => {
  fc.assert(
    fc.property(ruleSets, ruleSets, fc.constantFrom(...families), (first, second, family) => {
      let tables: readonly LiveTable[] = theirs;
      for (const ruleSet of [first, second]) {
        tables = after(transition(ownParts(tables), wanted(ruleSet, family)), tables);
        const compiled = ruleSet.families.includes(family) ? ruleSet : { ...ruleSet, rules: [] };
        assert.deepEqual(iptablesDifferences(compiled, family, ownParts(tables)), []);
        assert.deepEqual(foreign(tables), untouched);
      }
      tables = after(transition(ownParts(tables), []), tables);
      assert.deepEqual(ownParts(tables), []);
      assert.deepEqual(foreign(tables), untouched);
    }),
    { numRuns: 150 },
  );
});

test("a run that is cut short after any step is mended by the next, with any settings", () => {
  fc.assert(
    fc.property(ruleSets, ruleSets, ruleSets, fc.nat(), (first, second, third, cut) => {
      const start = after(transition(ownParts(theirs), wanted(first, "IPv4")), theirs);
      const states = statesOfRestoreText(transition(ownParts(start), wanted(second, "IPv4")), start);
      const left = states[cut % states.length] ?? start;
      const mended = after(transition(ownParts(left), wanted(third, "IPv4")), left);
      assert.deepEqual(iptablesDifferences(third, "IPv4", ownParts(mended)), []);
      assert.deepEqual(foreign(mended), untouched);
    }),
    { numRuns: 100 },
  );
});

/** The mesh's rules by table and chain, in order. Chains have none. */
function texts(tables: readonly LiveTable[]): Map<string, string[]> {
  const inOrder = [...ownLayout(ownParts(tables))].flatMap(([table, inTable]) =>
    [...inTable].map(([chain, rules]): [string, string[]] => [`${table} ${chain}`, rules.map(({ text }) => text)]),
  );
  return new Map(inOrder.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("what stood is put back from any step, a guard that was left there too", () => {
  fc.assert(
    fc.property(ruleSets, ruleSets, fc.nat(), fc.nat(), (first, second, begun, cut) => {
      const start = after(transition(ownParts(theirs), wanted(first, "IPv4")), theirs);
      const exchange = statesOfRestoreText(transition(ownParts(start), wanted(second, "IPv4")), start);
      const stood = exchange[begun % exchange.length] ?? start;
      const again = statesOfRestoreText(transition(ownParts(stood), wanted(first, "IPv4")), stood);
      const now = again[cut % again.length] ?? stood;
      const back = after(transition(ownParts(now), contentOfOwn(ownParts(stood))), now);
      assert.deepEqual(texts(back), texts(stood));
      assert.deepEqual(foreign(back), untouched);
    }),
    { numRuns: 100 },
  );
});

const network: PodNetwork = { addresses: [{ family: "IPv4", value: 0x0a000005n }], interface: "eth0" };

const connections: fc.Arbitrary<Connection> = fc.oneof(
  fc.record({
    from: fc.constant("pod" as const),
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    owner: fc.constant({ uid: 1000, gid: 1000 }),
    destination: fc.record({
      address: fc.constantFrom<{ family: "IPv4"; value: bigint }>(
        { family: "IPv4", value: 0x0a600001n },
        { family: "IPv4", value: 0x08080808n },
      ),
      port: fc.constantFrom(53, 80, 443),
    }),
  }),
  fc.record({
    from: fc.constant("outside" as const),
    protocol: fc.constant("tcp" as const),
    source: fc.constant({ family: "IPv4" as const, value: 0xc0000201n }),
    destination: fc.record({
      address: fc.constant({ family: "IPv4" as const, value: 0x0a000005n }),
      port: fc.constantFrom(80, 8080),
    }),
  }),
);

test("between two rule sets that both capture a connection, no step lets it pass", () => {
  let seen = 0;
  fc.assert(
    fc.property(ruleSets, ruleSets, connections, (first, second, connection) => {
      const start = after(transition([], wanted(first, "IPv4")), []);
      const states = statesOfRestoreText(transition(ownParts(start), wanted(second, "IPv4")), start);
      const landings = [start, ...states].map(
        (tables) => traceConnection(connection, savedRuleSet(tables), network).landing.where,
      );
      if (landings[0] !== "captured" || landings.at(-1) !== "captured") return;
      seen += 1;
      for (const where of landings) assert.ok(where === "captured" || where === "dropped", where);
    }),
    { numRuns: 400 },
  );
  assert.ok(seen > 20, `${seen} connections were captured by both`);
});

/** The sections of a text: each table, with its lines. */
function sections(text: string): string[][] {
  return text
    .split("COMMIT\n")
    .filter((section) => section !== "")
    .map((section) => section.split("\n").filter((line) => line !== ""));
}

const nat = tablesOfRestoreText("* nat\n-N ISTIO_OUTPUT\n-N ISTIO_OLD\n-A OUTPUT -j ISTIO_OUTPUT\nCOMMIT\n");

test("a chain that stays is emptied, not made anew, and a chain of another version goes", () => {
  const content = { table: "nat", chains: ["ISTIO_OUTPUT"], lines: ["-A OUTPUT -j ISTIO_OUTPUT"] };
  assert.deepEqual(sections(transition(ownParts(nat), [content])), [
    [
      "* nat",
      "-D OUTPUT -j ISTIO_OUTPUT",
      "-F ISTIO_OUTPUT",
      "-F ISTIO_OLD",
      "-X ISTIO_OLD",
      "-A OUTPUT -j ISTIO_OUTPUT",
    ],
  ]);
});

test("where several tables change, a guard stands from the first step to the last", () => {
  const mangle = { table: "mangle", chains: ["ISTIO_DROP"], lines: ["-A ISTIO_DROP -j DROP"] };
  const [first = [], second = [], last = []] = sections(transition(ownParts(nat), [mangle]));
  assert.deepEqual([first[0], second[0], last[0]], ["* mangle", "* nat", "* mangle"]);
  assert.ok(first.includes("-I OUTPUT 1 -j ISTIO_GUARD") && first.includes("-I PREROUTING 1 -j ISTIO_GUARD"));
  assert.deepEqual(last.slice(1), [
    "-D PREROUTING -j ISTIO_GUARD",
    "-D OUTPUT -j ISTIO_GUARD",
    "-F ISTIO_GUARD",
    "-X ISTIO_GUARD",
  ]);
});

test("nothing to do is an empty text, and a guard alone is no rules", () => {
  assert.equal(transition([], []), "");
  const guard = tablesOfRestoreText("* raw\n-N ISTIO_GUARD\n-A OUTPUT -j ISTIO_GUARD\nCOMMIT\n");
  assert.equal(hasRules(ownParts(guard)), false);
  assert.equal(hasRules(ownParts(nat)), true);
});
