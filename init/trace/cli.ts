import { Command } from "commander";
import { describeProblem } from "../../mesh/errors.ts";
import { traceConnection } from "../../mesh/redirect/trace/trace.ts";
import { flagsOf, operationOf, withFlags } from "../command-line.ts";
import { runInNamespace } from "../enter-namespace.ts";
import { resolved } from "../run.ts";
import { type ConnectionFlags, podNetwork, type TraceRequest, traceRequest } from "./options.ts";
import { traceJson, traceText } from "./print.ts";
import { fromConfig, fromFile, fromKernel, type TraceSource } from "./rules.ts";

const examples = `
Examples:
  outrigger trace --uid 1000 --dst 10.0.0.5:443 -i '*' -b '*'         through the rules that flags of init make
  outrigger trace --dst 10.0.0.5:443 --from-pod pod.yaml             … that a Pod's annotations make
  outrigger trace --dst 10.0.0.5:443 --netns pod1                    … that stand in a network namespace
  outrigger trace --dst 10.0.0.5:443 --rules saved.txt               … that iptables-save or nft list ruleset printed
  outrigger trace --from outside --dst 10.0.0.2:8080 --live          inbound, through the rules of this namespace
  outrigger trace --uid 1337 --dst [fd00::5]:15008 --from-pod pod.yaml --output json

Nothing is sent, and nothing is changed: the rules are followed in this program. It says where a connection lands, not
whether somebody listens there.
`;

interface Options extends ConnectionFlags {
  readonly rules?: string;
  readonly netns?: string;
  readonly live?: boolean;
}

async function sourceOf(options: Options, request: TraceRequest, command: Command): Promise<TraceSource> {
  const { family } = request.connection.destination.address;
  if (options.rules !== undefined) return fromFile(options.rules, family);
  if (options.live === true) return fromKernel(family);
  const flags = flagsOf(command.opts());
  const operation = operationOf(flags, process.env);
  const known = request.podAddresses ?? [{ family, value: 1n }];
  const capture = await resolved(operation, flags, process.env, known);
  if (capture === undefined) return { ruleSet: [], addresses: [], notes: ["the Pod's interception mode is NONE"] };
  const { config, warnings } = capture;
  return {
    ruleSet: fromConfig(config, family, operation.nativeNftables),
    addresses: [],
    notes: warnings.map(describeProblem),
  };
}

/** A namespace's name, as `ip netns` knows it, or its file. */
function namespacePath(name: string): string {
  return name.includes("/") ? name : `/run/netns/${name}`;
}

async function run(options: Options, command: Command): Promise<void> {
  const request = traceRequest(options);
  if (options.netns !== undefined) return runInNamespace(namespacePath(options.netns), "--netns", ["--live"]);
  const source = await sourceOf(options, request, command);
  const network = podNetwork(request, source.addresses);
  const trace = traceConnection(request.connection, source.ruleSet, network);
  const json = operationOf(flagsOf(command.opts()), process.env).output === "json";
  process.stdout.write(
    json
      ? `${JSON.stringify(traceJson(request.connection, trace, source.notes), undefined, 2)}\n`
      : traceText(request.connection, trace, source.notes),
  );
}

/** `outrigger trace`: where a connection would land, and by which rules. */
export function command(): Command {
  const trace = new Command("trace")
    .description(
      "Follow a connection through a Pod's capture rules: each rule it meets, why it is there, where it lands.",
    )
    .optionsGroup("The connection:")
    .requiredOption("--dst <address:port>", "where it goes")
    .option("--uid <id>", "the user of the process in the Pod", "1000")
    .option("--gid <id>", "its group (default: as the user)")
    .option("--from <side>", "where it comes from: pod, or outside", "pod")
    .option("--src <address>", "its source address")
    .option("--protocol <name>", "tcp or udp", "tcp")
    .option("--pod-ip <addresses>", "the Pod's own addresses")
    .option("--interface <name>", "the Pod's interface to the outside", "eth0")
    .optionsGroup("The rules (besides the flags of init below):")
    .option("--rules <file>", "what iptables-save, ip6tables-save or nft list ruleset printed; - is standard input")
    .option("--netns <name>", "those that stand in a network namespace: a name of ip netns, or a file")
    .option("--live", "those that stand in this network namespace");
  return withFlags(trace, ["fromPod", "cniMode", "nativeNftables", "output"])
    .addHelpText("after", examples)
    .action(run);
}
