/** Tests of the stack that need no container engine. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { findCommand } from "../support/tools.ts";
import { parseExposition } from "../telemetry/exposition.ts";

interface Service {
  readonly image: string;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: readonly string[];
}

const folder = "examples/stack";
const read = <T>(path: string) => parse(readFileSync(join(folder, path), "utf8")) as T;
const compose = read<{ services: Record<string, Service>; volumes: Record<string, unknown> }>("docker-compose.yaml");
const scraping = read<{
  global: { scrape_interval: string };
  scrape_configs: { static_configs: { targets: string[] }[] }[];
}>("prometheus/prometheus.yml");
const { datasources } = read<{
  datasources: {
    uid: string;
    type: string;
    url: string;
    jsonData?: { timeInterval: string; exemplarTraceIdDestinations: { datasourceUid: string }[] };
  }[];
}>("grafana/provisioning/datasources/datasources.yaml");
const { providers } = read<{ providers: { type: string; options: { path: string } }[] }>(
  "grafana/provisioning/dashboards/dashboards.yaml",
);

/** The mounted paths of a service, on this machine and in its container. */
function mountsOf(service: string): { readonly here: string; readonly there: string }[] {
  return (compose.services[service]?.volumes ?? [])
    .map((volume) => volume.split(":"))
    .filter(([here = ""]) => here.startsWith("."))
    .map(([here = "", there = ""]) => ({ here: join(folder, here), there }));
}

/** The path on this machine of a path in a container. */
function mountedFrom(service: string, path: string): string | undefined {
  const mount = mountsOf(service).find(({ there }) => path === there || path.startsWith(`${there}/`));
  return mount && join(mount.here, path.slice(mount.there.length));
}

test("every service of the stack has a version, existing files, and ports bound to loopback", () => {
  assert.deepEqual(Object.keys(compose.services).sort(), ["grafana", "jaeger", "nats", "prometheus"]);
  for (const [name, { image, volumes = [], ports = [], depends_on = [] }] of Object.entries(compose.services)) {
    assert.match(image, /^[\w/-]+:v?\d+\.\d+[\w.-]*$/, name);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
    for (const { here } of mountsOf(name)) assert.ok(existsSync(here), `${name}: ${here} does not exist`);
    const named = volumes.map((volume) => volume.split(":", 1)[0] ?? "").filter((volume) => !volume.startsWith("."));
    for (const volume of named) assert.ok(volume in compose.volumes, `${name}: ${volume}`);
    for (const other of depends_on) assert.ok(other in compose.services, `${name}: ${other}`);
  }
});

test("promtool accepts the stack's Prometheus configuration with its two rule files", () => {
  const root = temporaryFolder();
  for (const { here, there } of mountsOf("prometheus")) {
    mkdirSync(dirname(join(root, there)), { recursive: true });
    cpSync(here, join(root, there), { recursive: true });
  }
  const { status, stdout, stderr } = spawnSync(
    findCommand("promtool") ?? "promtool",
    ["check", "config", join(root, "etc/prometheus/prometheus.yml")],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /2 rule files found/);
});

test("the stack's Grafana is provisioned with its data sources and dashboards", () => {
  for (const { type, url } of datasources) {
    const { hostname, port } = new URL(url);
    const ports = compose.services[hostname]?.ports ?? [];
    assert.ok(
      ports.some((each) => each.endsWith(`:${port}`)),
      `${type}: ${url}`,
    );
  }
  const [prometheus] = datasources.filter(({ type }) => type === "prometheus");
  assert.equal(prometheus?.jsonData?.timeInterval, scraping.global.scrape_interval);
  for (const { datasourceUid } of prometheus?.jsonData?.exemplarTraceIdDestinations ?? []) {
    assert.ok(datasources.some(({ uid }) => uid === datasourceUid));
  }
  assert.equal(mountedFrom("grafana", "/etc/grafana/provisioning"), join(folder, "grafana/provisioning"));
  for (const { options } of providers) assert.equal(mountedFrom("grafana", options.path), "dashboards/grafana");
  const home = compose.services.grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH ?? "";
  assert.ok(existsSync(mountedFrom("grafana", home) ?? ""), home);
});

test("the stack's program serves metrics on the scraped port, connects to NATS, and ends on SIGINT", async () => {
  const source = readFileSync(join(folder, "main.ts"), "utf8");
  const [{ static_configs: [{ targets = [] } = {}] = [] } = {}] = scraping.scrape_configs;
  const [, scraped] = targets[0]?.split(":") ?? [];
  assert.ok(source.includes(`METRICS_PORT = "${scraped}"`));
  const [natsPort = ""] = compose.services.nats?.ports ?? [];
  assert.ok(source.includes(`NATS_URL = "${natsPort.split(":").slice(0, 2).join(":")}"`));
  const otlp = compose.services.jaeger?.ports?.find((each) => each.endsWith(":4318"));
  assert.ok(source.includes(`"http://${otlp?.split(":").slice(0, 2).join(":")}"`));

  await using server = await startNats();
  const port = await freePort();
  const env = {
    ...process.env,
    NATS_URL: server.address,
    METRICS_PORT: String(port),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
  };
  const child = spawn(process.execPath, ["--import", "tsx", join(folder, "main.ts")], { env, stdio: "ignore" });
  const exit = once(child, "exit");
  try {
    const deadline = Date.now() + 60_000;
    const isDone = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: "close" } });
      const { nonZero } = parseExposition(await response.text());
      const connected = nonZero("nats_client_connection_status").join();
      return connected === "nats_client_state=connected → 1" && nonZero("dialer_attempt_failed_total").length > 0;
    };
    while (!(await isDone().catch(() => false))) {
      assert.ok(
        Date.now() < deadline && child.exitCode === null,
        "timed out waiting for a connected client and failed attempts in the metrics",
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGINT");
    assert.deepEqual(await exit, [0, null]);
  } finally {
    child.kill("SIGKILL");
    await exit;
  }
});
