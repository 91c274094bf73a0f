/** How inbound traffic reaches the proxy: by NAT, with its source address kept, or not at all. */
export const interceptionModes = ["REDIRECT", "TPROXY", "NONE"] as const;
export type InterceptionMode = (typeof interceptionModes)[number];
