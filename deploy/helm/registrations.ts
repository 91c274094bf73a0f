import { type AdmissionEntry, admissionEntries } from "../../mesh/admission-entries.ts";
import { registrationName, tagRegistrationName } from "../manifests/names.ts";
import { type Registration, registrationOf, webhookOf } from "../manifests/webhook-registration.ts";
import type { InstallSettings } from "../settings.ts";
import { value } from "./placeholder.ts";
import { inEachVariant, type ObjectTemplate, printTemplate, variantSettings, when } from "./variants.ts";

const kind = "MutatingWebhookConfiguration";

/** Entries that only some registrations have, by the first part of their names. */
function entryCondition({ name }: AdmissionEntry, isDefault: string): string | undefined {
  const [first] = name.split(".");
  if (first === "rev") return undefined;
  return first === "auto" ? `and (${isDefault}) $.Values.enableNamespacesByDefault` : isDefault;
}

function indent(text: string): string {
  return text.replaceAll(/^(?!\{\{-|$)/gm, "  ");
}

/** Head and entries of one registration; `isDefault` is the template's condition for serving istio-injection. */
function registrationTemplate(
  revision: string,
  isDefault: string,
  head: (settings: InstallSettings) => Omit<Registration, "entries">,
): string {
  const entries = admissionEntries({ revision, isDefault: true, enableNamespacesByDefault: true });
  const headText = inEachVariant((settings) => {
    const { webhooks: _, ...rest } = registrationOf(settings, { ...head(settings), entries: [] });
    return rest;
  });
  // The entries are the same in every variant.
  const settings = variantSettings();
  const entryTexts = entries.map((entry) =>
    when(entryCondition(entry, isDefault), indent(printTemplate([webhookOf(entry, settings)]))),
  );
  return `${headText}webhooks:\n${entryTexts.join("")}`;
}

/** The revision's own registration, and one for each tag. */
export function registrationTemplates(): ObjectTemplate[] {
  const own = registrationTemplate(value("revision"), 'eq $.Values.revision "default"', (settings) => ({
    name: registrationName(settings),
  }));
  const tag = value("item");
  const tagged = registrationTemplate(tag, 'eq $item "default"', () => ({
    name: tagRegistrationName(tag),
    labels: { "istio.io/tag": tag },
  }));
  return [
    { kind, text: own },
    { kind, text: `{{- range $item := $.Values.tags }}\n---\n${tagged}{{- end }}\n` },
  ];
}
