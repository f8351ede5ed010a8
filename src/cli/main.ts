import { messageOf } from "../support/message.ts";
import type { MetricsServer } from "../telemetry/metrics-server.ts";
import { type ExitCode, exitCodeFor, exitCodeOfAll } from "./exit-codes.ts";
import type { Probe } from "./facts.ts";
import { helpText } from "./help.ts";
import type { Io } from "./io.ts";
import { dialObject, explainObject, jsonLine, summaryObject, verdictObject } from "./json.ts";
import { metricsName, startMetrics } from "./metrics.ts";
import { Prober } from "./probe.ts";
import { reportText, verdictText } from "./report.ts";
import { runAll } from "./rounds.ts";
import { type Command, type Repetition, readCommand, type Settings } from "./settings.ts";
import { dialLine, summaryText } from "./summary.ts";
import { Tally } from "./tally.ts";
import { cells, styleOf } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";
import { verdict } from "./verdict/verdict.ts";
import { warmUp } from "./warm-up.ts";

/** Maximum width of the column of targets in a series. */
const maxTargetColumns = 28;

/**
 * Runs the command.
 *
 * @param argv - the arguments, without the names of Node.js and the program.
 * @param version - the version of the package.
 * @returns the exit code.
 */
export async function main(argv: readonly string[], io: Io, version: string): Promise<ExitCode> {
  try {
    const command: Command = readCommand(argv);
    const { columns } = styleOf(io.out, io.env);
    if (command === "help") io.out.write(helpText(columns));
    if (command === "version") io.out.write(`${version}\n`);
    if (command === "help" || command === "version") return 0;
    const { repetition } = command;
    await warmUp(command.targets);
    return await (repetition === undefined ? runOnce(command, io) : runSeries(command, repetition, io));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.err.write(`dialtrace: ${messageOf(error)}\nTry dialtrace --help.\n`);
    return 2;
  }
}

async function runOnce(settings: Settings, { out, env, interrupt }: Io): Promise<ExitCode> {
  const { json, quiet } = settings;
  const style = styleOf(out, env);
  const probers = settings.targets.map((target) => new Prober(target, settings, env));
  writeDescriptions(settings, probers, out);
  const probes = await Promise.all(probers.map((prober) => prober.probe(true, interrupt)));
  const now = Date.now();
  if (!quiet) {
    for (const probe of probes) {
      out.write(json ? `${jsonLine(dialObject(probe))}\n` : `${reportText(probe, style, now)}\n\n`);
    }
  }
  const code = codeOf(probes);
  const sentence = verdict(probes, now);
  out.write(`${json ? jsonLine(verdictObject(sentence, code)) : verdictText(sentence, code === 0, style)}\n`);
  return code;
}

async function runSeries(settings: Settings, repetition: Repetition, io: Io): Promise<ExitCode> {
  const { out, err, env, interrupt } = io;
  const style = styleOf(out, env);
  const metrics = repetition.metrics === undefined ? undefined : await startMetrics(repetition.metrics);
  try {
    if (metrics !== undefined) err.write(`metrics at ${metrics.url}\n`);
    const tallies = settings.targets.map(() => new Tally());
    const codes = new Set<ExitCode>();
    const columns = Math.min(maxTargetColumns, Math.max(...settings.targets.map(({ text }) => cells(text))));
    const ended = (probe: Probe, index: number) => {
      tallies[index]?.add(probe.outcome, probe.durationMs, probe.reason);
      if (probe.outcome === "failure") codes.add(codeOf([probe]));
      if (settings.quiet) return;
      out.write(`${settings.json ? jsonLine(dialObject(probe)) : dialLine(probe, columns, style)}\n`);
    };
    const probers = probersOf(settings, env, metrics);
    writeDescriptions(settings, probers, out);
    await runAll(probers, repetition, ended, interrupt);
    writeSummaries(settings, tallies, io);
    const none = tallies.every(({ summary }) => summary.dials === 0);
    return none ? 130 : exitCodeOfAll([...codes]);
  } finally {
    await metrics?.close();
  }
}

function probersOf(settings: Settings, env: Io["env"], metrics: MetricsServer | undefined): readonly Prober[] {
  return settings.targets.map((target) => {
    const observers = metrics === undefined ? [] : [metrics.observe(metricsName(target.text))];
    return new Prober(target, settings, env, observers);
  });
}

function writeDescriptions({ explains, json }: Settings, probers: readonly Prober[], out: Io["out"]): void {
  if (!explains) return;
  for (const { target, description } of probers) {
    out.write(json ? `${jsonLine(explainObject(target.text, description))}\n` : `${target.text}\n${description}\n\n`);
  }
}

function writeSummaries({ targets, json, quiet }: Settings, tallies: readonly Tally[], { out, env }: Io): void {
  const style = styleOf(out, env);
  for (const [index, { text }] of targets.entries()) {
    const tally = tallies[index] ?? new Tally();
    if (json) out.write(`${jsonLine(summaryObject(text, tally.summary))}\n`);
    else out.write(`${quiet && index === 0 ? "" : "\n"}${summaryText(text, tally, style)}\n`);
  }
}

function codeOf(probes: readonly Probe[]): ExitCode {
  const failures = probes.filter(({ outcome }) => outcome === "failure");
  if (failures.length === 0 && probes.every(({ outcome }) => outcome === "canceled")) return 130;
  return exitCodeOfAll(failures.map(({ reason = "_OTHER", failedIn }) => exitCodeFor(reason, failedIn.atProxy)));
}
