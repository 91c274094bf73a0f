import * as v from "valibot";
import { OutriggerError } from "../mesh/errors.ts";
import { checked } from "../mesh/schema-problems.ts";
import { type NetworkConfiguration, networkConfiguration } from "./network-configuration.ts";
import { type PodIdentity, podIdentity } from "./pod-identity.ts";

/** The form of request and answer; cni/plugin/agent.go has the other side. */
export const protocolVersion = 1;

/** Twice what the plugin takes in, since JSON in JSON needs escapes. A longer request is cut off. */
export const longestRequestBytes = 4 * 1024 * 1024;

const identifier = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][\w.-]{0,511}$/, "is not a container's identifier"));
// The kernel's limit is 15 characters; neither slash nor white space may be in a name.
const interfaceName = v.pipe(v.string(), v.regex(/^[^\s/:]{1,15}$/, "is not an interface's name"));
const path = v.pipe(v.string(), v.regex(/^\/[^\0]{1,4095}$/, "is not an absolute path"));

const message = v.strictObject({
  protocol: v.literal(protocolVersion, `must be ${protocolVersion}: plugin and agent are of different versions`),
  command: v.picklist(["ADD", "CHECK"], "must be ADD or CHECK: the plugin answers the others itself"),
  containerId: identifier,
  netns: path,
  ifname: interfaceName,
  args: v.pipe(v.string(), v.maxLength(65_536, "is too long")),
  config: v.string(),
});

/** A call of the plugin, as it hands it on. */
export interface PluginRequest {
  readonly command: "ADD" | "CHECK";
  readonly containerId: string;
  /** Where the container's network namespace is mounted, as the container runtime sees it. */
  readonly netns: string;
  /** The Pod's interface, such as `eth0`. */
  readonly ifname: string;
  /** Undefined when the network is not made for a Pod. */
  readonly pod: PodIdentity | undefined;
  readonly configuration: NetworkConfiguration;
}

function parseJson(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser quotes its input, which may be anybody's.
    throw new OutriggerError("BAD_CNI_REQUEST", [{ field, message: "is not JSON" }]);
  }
}

/**
 * Reads a request of the plugin.
 * @throws OutriggerError BAD_CNI_REQUEST with every field that is missing or has the wrong form
 */
export function parseRequest(text: string): PluginRequest {
  const { args, config, command, containerId, netns, ifname } = checked(
    message,
    parseJson(text, "the request"),
    "",
    "BAD_CNI_REQUEST",
  );
  const field = "the network configuration";
  const configuration = checked(networkConfiguration, parseJson(config, field), "", "BAD_CNI_REQUEST");
  return { command, containerId, netns, ifname, pod: podIdentity(args), configuration };
}
