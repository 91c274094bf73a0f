import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endpointsFrom } from "./endpoint.ts";
import type { EndpointSliceObject } from "./objects.ts";
import { serviceFrom } from "./service.ts";

const service = serviceFrom(
  { metadata: { namespace: "shop", name: "web" }, spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] } },
  { domain: "cluster.local", exportTo: "*" },
);
assert.ok(service);

function slice(endpoints: EndpointSliceObject["endpoints"], ports = [{ name: "", port: 8080 }]): EndpointSliceObject {
  return { metadata: { namespace: "shop", name: "web-1" }, addressType: "IPv4", ports, endpoints: endpoints ?? [] };
}

const read = (...slices: EndpointSliceObject[]) =>
  endpointsFrom(service, slices, () => undefined).map(({ address, health }) => `${address} ${health}`);

const conditions = (ready: boolean, serving: boolean, terminating: boolean) => ({ ready, serving, terminating });

describe("endpointsFrom", () => {
  it("reads the conditions as the API has them", () => {
    const given = [
      { addresses: ["10.0.0.1"] },
      { addresses: ["10.0.0.2"], conditions: conditions(true, true, false) },
      { addresses: ["10.0.0.3"], conditions: conditions(false, false, false) },
      { addresses: ["10.0.0.4"], conditions: conditions(false, true, true) },
      { addresses: ["10.0.0.5"], conditions: conditions(false, false, true) },
    ];
    assert.deepEqual(read(slice(given)), ["10.0.0.1 healthy", "10.0.0.2 healthy", "10.0.0.4 draining"]);
  });

  it("counts an address in two slices once, healthy if it is so in either", () => {
    const draining = { addresses: ["10.0.0.1"], conditions: conditions(false, true, true) };
    const healthy = { addresses: ["10.0.0.1"], conditions: conditions(true, true, false) };
    assert.deepEqual(read(slice([draining]), slice([healthy])), ["10.0.0.1 healthy"]);
    assert.deepEqual(read(slice([healthy]), slice([draining])), ["10.0.0.1 healthy"]);
  });

  it("joins the ports of an address from several slices", () => {
    const [endpoint] = endpointsFrom(
      service,
      [
        slice([{ addresses: ["10.0.0.1"] }], [{ name: "a", port: 1 }]),
        slice([{ addresses: ["10.0.0.1"] }], [{ name: "b", port: 2 }]),
      ],
      () => undefined,
    );
    assert.deepEqual(
      [...(endpoint?.ports ?? [])],
      [
        ["a", 1],
        ["b", 2],
      ],
    );
  });

  it("leaves names of other clusters out", () => {
    assert.deepEqual(read({ ...slice([{ addresses: ["example.com"] }]), addressType: "FQDN" }), []);
  });
});
