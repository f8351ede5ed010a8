import { invalid, show } from "../support/validate.ts";
import { promLabel } from "./prometheus-name.ts";

/** Labels that Prometheus sets itself. */
const ofPrometheus = ["instance", "job", "le", "quantile"];

/** Namespaces of the attributes that this package reports. */
const reserved = /^(dialer|dns|error|nats|network|server|tls)_/;

const words = /^[a-zA-Z]\w*(\.[a-zA-Z]\w*)*$/;

/**
 * Throws a `TypeError` unless `name` can be an attribute of the application, and its translation a label of Prometheus.
 *
 * @param names - all names, none of which may have the same translation.
 */
export function checkAttributeName(factory: string, name: string, names: readonly string[]): void {
  const refuse = (rule: string) => invalid(TypeError, `${factory}: attributes: a name ${rule}, got ${show(name)}`);
  if (!words.test(name) || name.length > 64) {
    throw refuse("must be words of letters, digits and underscores, separated by dots, at most 64 characters");
  }
  const label = promLabel(name);
  if (reserved.test(label) || ofPrometheus.includes(label)) {
    throw refuse("must not be a label of Prometheus, nor begin with dialer, dns, error, nats, network, server or tls");
  }
  if (names.some((other) => other !== name && promLabel(other) === label)) {
    throw refuse(`must have a label of its own, not ${label} like another`);
  }
}
