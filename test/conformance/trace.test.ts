import { test } from "node:test";
import { compile } from "../../mesh/redirect/compile.ts";
import { compiledRuleSet } from "../../mesh/redirect/trace/ruleset.ts";
import { captureFolder } from "./capture-cases.ts";
import { configOfArguments } from "./init-arguments.ts";
import { assertTraced, labNetwork } from "./lab-trace.ts";
import { expectedLanding, readBehaviour, unknownVariants, type Variant, variants } from "./lab-variants.ts";

function traceVariant(variant: Variant, form: "iptables" | "nft"): void {
  const network = labNetwork(variant.ipv6);
  const ruleSet = compile(configOfArguments(variant.args, variant.env, network.addresses));
  for (const probe of readBehaviour(variant.name) ?? []) {
    const rules = compiledRuleSet(ruleSet, probe.fam === 4 ? "IPv4" : "IPv6", form);
    assertTraced(probe, expectedLanding(variant, probe), rules, network);
  }
}

for (const variant of variants) {
  const missing = readBehaviour(variant.name) === undefined;
  const skip = missing ? `no behaviour of ${variant.name} in ${captureFolder} (set OUTRIGGER_CONFORMANCE)` : false;
  for (const form of ["iptables", "nft"] as const) {
    test(`every probe of ${variant.name} is traced to where it lands: ${form}`, { skip }, () =>
      traceVariant(variant, form),
    );
  }
}

for (const name of unknownVariants()) {
  test(`every probe of ${name} is traced to where it lands`, {
    skip: "its flags are not known here: add it to lab-variants.ts",
  });
}
