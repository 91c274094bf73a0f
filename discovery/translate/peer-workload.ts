import { create } from "@bufbuild/protobuf";
import type { SubjectNames } from "../../host/x509-names.ts";
import { type Filter, FilterSchema } from "../proto/envoy/config/listener/v3/listener_components_pb.js";
import type { Workload } from "../registry/workload.ts";
import { typedStruct } from "./message.ts";
import type { Tags } from "./stats-logger.ts";

/**
 * The kind of the alternative name in a workload's certificate that says which workload of its service account it is. An
 * OID that anybody may make from a UUID.
 * Source: https://www.itu.int/rec/T-REC-X.667
 */
const workloadNameOid = "2.25.119560345392397600278587618395092220212";

const word = "[A-Za-z0-9._-]+";
/** The longest name in Kubernetes. */
const longestWord = 253;
const wholeWord = new RegExp(`^${word}$`);

/** The name of that kind: `reviews-v1/reviews/v1`, for workload, canonical service and canonical revision. */
export function workloadName({ owner, canonicalName, canonicalRevision }: Workload): string {
  return [owner, canonicalName, canonicalRevision]
    .map((text) => (text.length <= longestWord && wholeWord.test(text) ? text : "unknown"))
    .join("/");
}

/**
 * What a workload's certificate names.
 * @param identity `spiffe://cluster.local/ns/default/sa/reviews`
 * @param workload see {@link workloadName}
 */
export function certifiedNames(identity: string, workload: string): SubjectNames {
  return { uri: [identity], other: [{ oid: workloadNameOid, text: workload }] };
}

const stateKeys = {
  name: "outrigger.peer",
  workload: "outrigger.peer.workload",
  namespace: "outrigger.peer.namespace",
  canonicalService: "outrigger.peer.canonical_service",
  canonicalRevision: "outrigger.peer.canonical_revision",
} as const;

/** A part of a text between slashes, if the whole text looks as it should. */
function part(text: string, pattern: string, index: number): string {
  return `%CEL(${text}.matches('^${pattern}$') ? ${text}.split('/')[${index}] : 'unknown'):${longestWord}%`;
}

const identityPart = (index: number) =>
  part("connection.uri_san_peer_certificate", `spiffe://[^/]+/ns/${word}/sa/${word}`, index);
const namePart = (index: number) => part(`string(filter_state['${stateKeys.name}'])`, `${word}/${word}/${word}`, index);

/** Without these CEL has neither `split` nor `string`. Certificates bound what they can make. */
const celWithStrings = {
  name: "envoy.formatter.cel",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.formatter.cel.v3.Cel",
    cel_config: { enable_string_functions: true, enable_string_conversion: true },
  },
};

function state(key: string, format: string) {
  return {
    object_key: key,
    factory_key: "envoy.string",
    format_string: { text_format_source: { inline_string: format }, formatters: [celWithStrings] },
  };
}

/**
 * Takes from the client's certificate, once for a connection, which workload it is. Our tree of protos lacks the filter's.
 */
export const knowPeer: Filter = create(FilterSchema, {
  name: "envoy.filters.network.set_filter_state",
  configType: {
    case: "typedConfig",
    value: typedStruct("envoy.extensions.filters.network.set_filter_state.v3.Config", {
      on_downstream_tls_handshake: [
        state(stateKeys.name, "%DOWNSTREAM_PEER_OTHERNAME_SAN%"),
        state(stateKeys.workload, namePart(0)),
        state(stateKeys.canonicalService, namePart(1)),
        state(stateKeys.canonicalRevision, namePart(2)),
        state(stateKeys.namespace, identityPart(4)),
      ],
    }),
  },
});

const known = (key: string) => `%FILTER_STATE(${key}:PLAIN)%`;

/** The client of a connection in mutual TLS, as its certificate has it. */
export const peerTags: Tags = {
  source_workload: known(stateKeys.workload),
  source_workload_namespace: known(stateKeys.namespace),
  source_canonical_service: known(stateKeys.canonicalService),
  source_canonical_revision: known(stateKeys.canonicalRevision),
  source_principal: "%DOWNSTREAM_PEER_URI_SAN%",
};

/** The client of a connection in plain text. */
export const unknownPeerTags: Tags = {
  source_workload: "unknown",
  source_workload_namespace: "unknown",
  source_canonical_service: "unknown",
  source_canonical_revision: "unknown",
  source_principal: "unknown",
};
