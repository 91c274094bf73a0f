import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually, idlePod, outrigger, skip, type TestSandbox, upSandbox } from "./sandbox.ts";

const pod = (name: string, spec: string) => `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec: ${spec}
`;
const main = "containers: [{ name: main, image: any, command: [sleep, infinity] }]";
const failing = `initContainers: [{ name: check, image: any, command: [sh, -c, "echo no database >&2; exit 3"] }], ${main}`;

const yaml = [
  pod("stops", `{ restartPolicy: Never, ${failing} }`),
  pod("loops", `{ ${failing} }`),
  pod("no-program", `{ containers: [{ name: main, image: any, command: [frobnicate] }] }`),
  pod(
    "no-config",
    `{ containers: [{ name: main, image: any, command: [sh], envFrom: [{ configMapRef: { name: nothing } }] }] }`,
  ),
  pod("no-volume", `{ ${main}, volumes: [{ name: v, secret: { secretName: nothing } }] }`),
  pod("no-root", `{ securityContext: { runAsNonRoot: true }, ${main} }`),
  pod("odd-volume", `{ ${main}, volumes: [{ name: v, nfs: { server: a, path: /b } }] }`),
  idlePod("good"),
].join("");

describe("Pods that cannot become ready", { skip }, () => {
  let sandbox: TestSandbox;

  before(async () => {
    sandbox = await upSandbox(yaml);
  });
  after(async () => {
    await sandbox.down();
  });

  /** What each Pod reads, and the reason that is given. */
  const expected: [string, RegExp, RegExp][] = [
    ["stops", /^Init:Error$/, /check: ended with exit code 3: no database/],
    ["loops", /^Init:(CrashLoopBackOff|Error)$/, /check: ended with exit code 3: no database/],
    [
      "no-program",
      /^(CrashLoopBackOff|StartError)$/,
      /exec: "frobnicate": no such program on this machine.*--image NAME=COMMAND/,
    ],
    ["no-config", /^CreateContainerConfigError$/, /configmap "nothing" not found/],
    ["no-volume", /^FailedMount$/, /secret "nothing" not found/],
    ["no-root", /^CreateContainerConfigError$/, /runAsNonRoot and image will run as root/],
    ["odd-volume", /^FailedMount$/, /volume "v": it is a nfs, which the sandbox has not/],
  ];
  for (const [name, status, reason] of expected) {
    it(`says why ${name} does not run`, async () => {
      // While a container is tried again the status is another one for a moment.
      await eventually(async () => status.test((await sandbox.pod(name)).status));
      await eventually(async () => reason.test((await sandbox.pod(name)).explanations.join("\n")));
    });
  }

  it("keeps a Pod from its containers when an init container fails", async () => {
    for (const name of ["stops", "loops"]) {
      const { containers } = await sandbox.pod(name);
      assert.equal(containers.find(({ role }) => role === "main")?.state.state, "waiting");
    }
  });

  it("ends with exit code 1 and the reasons, and leaves what is up for a look", async () => {
    assert.equal(sandbox.up.exitCode, 1);
    assert.match(sandbox.up.stdout, /stops {2}Init:Error\n {4}check: ended with exit code 3: no database/);
    assert.match(sandbox.up.stdout, /not ready after .*: 1 of 8 Pods/);
    assert.equal((await sandbox.pod("good")).isReady, true);
    assert.equal(await sandbox.logs("stops", "-c", "check"), "no database");
  });

  it("gives up when the time is over", async () => {
    const slow = await upSandbox(
      pod(
        "slow",
        `{ containers: [{ name: main, image: any, command: [sleep, infinity], readinessProbe: { exec: { command: ["false"] } } }] }`,
      ),
      "--wait-timeout",
      "2",
    );
    assert.equal(slow.up.exitCode, 1);
    assert.match(slow.up.stdout, /not ready after .*: 0 of 1 Pods/);
    await slow.down();
  });

  it("refuses a name that is up, and files that are wrong, before anything starts", async () => {
    const twice = await outrigger(["up", "--detach", "--name", sandbox.name, "-f", "-"], idlePod("other"));
    assert.deepEqual([twice.exitCode, /is up already; take it down first/.test(twice.stderr)], [1, true]);
    const wrong = await outrigger(["up", "-f", "-"], pod("Bad_Name", `{ containers: [{ name: main, image: 1 }] }`));
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.stderr, /standard input:3 Pod Bad_Name: metadata\.name "Bad_Name" must be DNS labels/);
    assert.match(wrong.stderr, /spec\.containers\[0\]\.image "1" must be text/);
    const none = await outrigger(["up", "-f", "/nowhere.yaml"]);
    assert.deepEqual([none.exitCode, /"\/nowhere\.yaml" cannot be read/.test(none.stderr)], [255, true]);
  });

  it("says what is not up", async () => {
    const { exitCode, stderr } = await outrigger(["ps", "--name", "nobody-here"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /sandbox nobody-here is not up/);
  });
});
