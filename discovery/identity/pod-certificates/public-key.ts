import "reflect-metadata"; // @peculiar/x509's dependency injection needs it loaded first
import { createPublicKey } from "node:crypto";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import type { PodCertificateRequest } from "./request.ts";

/** A request's public key, with its type in the words of Pods' `keyType`. */
export interface RequestedKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly type: string;
}

const curves: Readonly<Record<string, string>> = {
  prime256v1: "ECDSAP256",
  secp384r1: "ECDSAP384",
  secp521r1: "ECDSAP521",
};

function spkiOf({ pkixPublicKey = "", stubPKCS10Request = "" }: PodCertificateRequest["spec"]): Uint8Array {
  if (stubPKCS10Request === "") return Buffer.from(pkixPublicKey, "base64");
  return new Uint8Array(new Pkcs10CertificateRequest(stubPKCS10Request).publicKey.rawData);
}

/** Reads the public key; undefined if there is none that can be read. */
export function requestedKey(spec: PodCertificateRequest["spec"]): RequestedKey | undefined {
  try {
    const spki = spkiOf(spec);
    const { asymmetricKeyType = "", asymmetricKeyDetails: details } = createPublicKey({
      key: Buffer.from(spki),
      format: "der",
      type: "spki",
    });
    const type =
      asymmetricKeyType === "rsa"
        ? `RSA${details?.modulusLength}`
        : (curves[details?.namedCurve ?? ""] ?? asymmetricKeyType.toUpperCase());
    return { spki, type };
  } catch {
    return undefined;
  }
}
