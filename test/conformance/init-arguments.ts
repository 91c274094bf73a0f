import { Command } from "commander";
import { flagsOf, givenSettings, withFlags } from "../../init/command-line.ts";
import type { Address } from "../../mesh/address.ts";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";
import { resolveCapture } from "../../mesh/redirect/resolve.ts";

/** The configuration that arguments and variables of `outrigger init` make in a Pod with these addresses. */
export function configOfArguments(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  addresses: readonly Address[],
): CaptureConfig {
  const command = withFlags(new Command(), []).parse([...args], { from: "user" });
  return resolveCapture(givenSettings(flagsOf(command.opts()), env), { addresses, nameServers: [] }).config;
}
