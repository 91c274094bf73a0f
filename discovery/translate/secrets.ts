import { create } from "@bufbuild/protobuf";
import { podCertificate } from "../../mesh/envoy/pod-certificate.ts";
import { SecretSchema } from "../proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { secretNames } from "./names.ts";
import { type Resource, resource } from "./resource.ts";

function inline(text: string) {
  return { specifier: { case: "inlineString" as const, value: text } };
}

/** A workload's certificate, with the intermediates below the root, and its private key, all as PEM. */
export function certificateSecret(certificateChain: string, privateKey: string): Resource {
  const secret = create(SecretSchema, {
    name: secretNames.certificate,
    type: {
      case: "tlsCertificate",
      value: { certificateChain: inline(certificateChain), privateKey: inline(privateKey) },
    },
  });
  return resource("secrets", secret.name, SecretSchema, secret);
}

/**
 * Where Envoy finds a workload's key and certificate in its own Pod. It watches the folder and reads the files anew when the
 * kubelet exchanges them. Clusters and listeners name the secret, and so are the same for those that have it from here.
 * Source: https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/security/secret#key-rotation
 */
export function podCertificateSecret(): Resource {
  const { folder, key, chain } = podCertificate;
  const file = (name: string) => ({ specifier: { case: "filename" as const, value: `${folder}/${name}` } });
  const secret = create(SecretSchema, {
    name: secretNames.certificate,
    type: {
      case: "tlsCertificate",
      value: { certificateChain: file(chain), privateKey: file(key), watchedDirectory: { path: folder } },
    },
  });
  return resource("secrets", secret.name, SecretSchema, secret);
}

/** The roots that peers' certificates must lead to, as PEM. */
export function rootsSecret(roots: string): Resource {
  const secret = create(SecretSchema, {
    name: secretNames.roots,
    type: { case: "validationContext", value: { trustedCa: inline(roots) } },
  });
  return resource("secrets", secret.name, SecretSchema, secret);
}
