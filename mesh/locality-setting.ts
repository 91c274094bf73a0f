import * as v from "valibot";

/**
 * Istio's `localityLbSetting` of the mesh.
 * Source: https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting
 */

/** `*`, or `region`, `region/zone`, `region/zone/subzone`, each with `*` as the last part if all below it are meant. */
const pattern = v.pipe(
  v.string(),
  v.regex(
    /^(\*|[\w.-]+(\/\*|\/[\w.-]+(\/\*|\/[\w.-]+)?)?)$/,
    "is not region/zone/subzone, with * as the last part for all below",
  ),
);

const region = v.pipe(v.string(), v.regex(/^[\w.-]+$/, "is not the name of a region"));

const shares = v.pipe(
  v.record(pattern, v.pipe(v.number(), v.integer(), v.minValue(1, "is below 1"), v.maxValue(100, "is above 100"))),
  v.check((to) => Object.values(to).reduce((sum, share) => sum + share, 0) === 100, "does not add up to 100"),
);

function areDistinct(items: readonly { readonly from: string }[]): boolean {
  return new Set(items.map(({ from }) => from)).size === items.length;
}

const most = 1000;

export const localitySetting = v.pipe(
  v.strictObject({
    enabled: v.optional(v.boolean(), true),
    /** How a locality's requests are shared out among localities, in percent. */
    distribute: v.optional(
      v.pipe(
        v.array(v.strictObject({ from: pattern, to: shares })),
        v.maxLength(most, `has more than ${most} entries`),
        v.check((entries) => areDistinct(entries), "has the same `from` twice"),
      ),
      [],
    ),
    /** Where a region's requests go when none of its own endpoints is healthy. */
    failover: v.optional(
      v.pipe(
        v.array(
          v.pipe(
            v.strictObject({ from: region, to: region }),
            v.check(({ from, to }) => from !== to, "leads to itself"),
          ),
        ),
        v.maxLength(most, `has more than ${most} entries`),
        v.check((entries) => areDistinct(entries), "has the same `from` twice"),
      ),
      [],
    ),
    /** Labels, as `key` or `key=value`: endpoints that are like the client in more of the first ones are preferred. */
    failoverPriority: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.regex(/^[\w./-]{1,317}(=[\w.-]{0,63})?$/, "is not a label's key or key=value"))),
        v.maxLength(16, "has more than 16 labels"),
      ),
      [],
    ),
  }),
  v.check(
    ({ distribute, failover, failoverPriority }) =>
      distribute.length === 0 || (failover.length === 0 && failoverPriority.length === 0),
    "has distribute together with failover or failoverPriority",
  ),
);

export type LocalitySetting = v.InferOutput<typeof localitySetting>;
export type LocalitySettingInput = v.InferInput<typeof localitySetting>;

/** What holds without a setting: where an endpoint stands does not matter. */
export const noLocalitySetting: LocalitySetting = {
  enabled: false,
  distribute: [],
  failover: [],
  failoverPriority: [],
};
