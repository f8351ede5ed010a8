import { exitCodes } from "./exit-codes.ts";
import { optionNames, rowOf } from "./option-table.ts";
import { wrap } from "./terminal.ts";

const introduction = `Usage: dialtrace [options] TARGET...

Opens a connection to each target, shows where the time goes and says why a dial fails.

Targets:
  host:port            TCP
  unix:/path           unix socket
  tls://host[:port]    TLS (default port 443)
  http://, https://    a request, its status and the time to first byte
  nats://host[:port]   INFO, TLS if the server requires it, CONNECT, PING
  other schemes        TCP or TLS to the scheme's port, such as redis:// or amqps://

A password in a target, as in nats://user:password@host, is used and never printed.
Times are numbers of seconds, or have a unit: 500ms, 5s, 2m.

Options:
`;

/** Columns of the option names in the help. */
const nameColumns = 26;

/** Returns the text of `--help` for a terminal of this width. */
export function helpText(columns: number): string {
  const rows = optionNames.map((name) => {
    const { short, value, help } = rowOf(name);
    const names = `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return wrap(`  ${names.padEnd(nameColumns)}`, help, columns);
  });
  const codes = Object.entries(exitCodes).map(([code, text]) => wrap(`  ${code.padEnd(5)}`, text, columns));
  return `${introduction}${rows.join("\n")}\n\nExit codes:\n${codes.join("\n")}\n`;
}
