import * as v from "valibot";

/** RFC 1123: the form of namespaces and of the parts of object names. */
export const dnsLabel = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "is not a DNS label: use lower-case letters, digits and '-'"),
  v.maxLength(40, "is longer than 40 characters, and object names are made of it"),
);

export const domainName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, "is not a domain's name"),
);
export const image = v.pipe(v.string(), v.regex(/^\S+$/, "is not an image's name"));
const quantity = v.pipe(
  v.string(),
  v.regex(/^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi)?$/, "is not a quantity such as 100m or 128Mi"),
);
const withDefault = (text: string) => v.optional(quantity, text);
export const wholeNumber = (low: number, high: number) =>
  v.pipe(
    v.number(),
    v.integer("is not a whole number"),
    v.minValue(low, `is below ${low}`),
    v.maxValue(high, `is above ${high}`),
  );

export const resources = (cpu: string, memory: string, memoryLimit: string) =>
  v.optional(
    v.strictObject({
      requests: v.optional(v.objectWithRest({ cpu: withDefault(cpu), memory: withDefault(memory) }, quantity), {}),
      limits: v.optional(v.objectWithRest({ memory: withDefault(memoryLimit) }, quantity), {}),
    }),
    {},
  );

export const folder = v.pipe(v.string(), v.regex(/^\/[\w./-]+$/, "is not an absolute path"));

/** Between how many replicas the autoscaler chooses. */
export const replicas = v.optional(
  v.strictObject({
    minimum: v.optional(wholeNumber(1, 100), 2),
    maximum: v.optional(wholeNumber(1, 100), 5),
  }),
  {},
);
