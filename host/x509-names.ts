import "reflect-metadata"; // @peculiar/x509's dependency injection needs it loaded first
import { isIP } from "node:net";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  DirectoryString,
  GeneralName,
  id_ce_subjectAltName,
  OtherName,
  SubjectAlternativeName,
} from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";
import { OutriggerError } from "../mesh/errors.ts";

/** Who a certificate is for. At least one name. */
export interface SubjectNames {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  /** Such as `spiffe://cluster.local/ns/default/sa/web`. */
  readonly uri?: readonly string[];
  /** Texts that mean what the OID says. */
  readonly other?: readonly { readonly oid: string; readonly text: string }[];
}

// The library's class for this extension throws at names of a kind that it does not know, and the certificate with it.
x509.ExtensionFactory.register(id_ce_subjectAltName, x509.Extension);

function usualNames({ dns = [], ip = [], uri = [] }: SubjectNames): x509.JsonGeneralNames {
  const notAddress = ip.find((address) => isIP(address) === 0);
  if (notAddress !== undefined) {
    throw new OutriggerError("BAD_CONFIGURATION", [
      { field: "IP name of a certificate", value: notAddress, message: "is not an IP address" },
    ]);
  }
  return [
    ...dns.map((value) => ({ type: "dns", value }) as const),
    ...ip.map((value) => ({ type: "ip", value }) as const),
    ...uri.map((value) => ({ type: "url", value }) as const),
  ];
}

/** Critical, as RFC 5280 4.2.1.6 has it where the subject is empty. */
export function alternativeNames(names: SubjectNames): x509.Extension {
  const usual = AsnConvert.parse(new x509.GeneralNames(usualNames(names)).rawData, SubjectAlternativeName);
  const other = (names.other ?? []).map(({ oid, text }) => {
    const value = AsnConvert.serialize(new DirectoryString({ utf8String: text }));
    return new GeneralName({ otherName: new OtherName({ typeId: oid, value }) });
  });
  const all = new SubjectAlternativeName([...usual, ...other]);
  return new x509.Extension(id_ce_subjectAltName, true, AsnConvert.serialize(all));
}
