import type { Socket } from "node:net";
import type { HandshakeContext } from "../core/dialer.ts";
import { holdBack } from "./hold-back.ts";
import { maxInfoBytes } from "./info.ts";

/** What a greeting calls of the dial that it belongs to. */
interface GreetingDial {
  /** Starts the client, which sends CONNECT. */
  canSendConnect(): void;
  /** Ends the dial for good with `reason`. */
  giveUp(reason: unknown): void;
  /** Ends the dial for good, because the server breaks the protocol. */
  fail(error: Error): void;
}

/** The part of a dial's handshake in which the client sends CONNECT and the server answers with PONG. */
export class Greeting {
  readonly #abort: AbortSignal;
  #pongReceived: () => void = () => {};

  /** @param abort - ends the dial; its reason is what {@link run} rejects with. */
  constructor(abort: AbortSignal) {
    this.#abort = abort;
  }

  /** The server has answered: {@link run} resolves. */
  pongReceived(): void {
    this.#pongReceived();
  }

  /** Resolves when the server has answered CONNECT. An abort of the handshake ends the dial, and no retry follows. */
  async run(socket: Socket, context: HandshakeContext, dial: GreetingDial): Promise<void> {
    const { signal } = context;
    const onAbort = () => dial.giveUp(signal?.reason);
    const limitBytes = () => {
      if (socket.bytesRead > 2 * maxInfoBytes) dial.fail(new Error("unexpected response from server: too long"));
    };
    const answered = new Promise<void>((resolve, reject) => {
      this.#pongReceived = resolve;
      this.#abort.addEventListener("abort", () => reject(this.#abort.reason), { once: true });
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.on("data", limitBytes);
    holdBack(socket);
    dial.canSendConnect();
    try {
      await answered;
      context.event("pong");
    } finally {
      signal?.removeEventListener("abort", onAbort);
      socket.off("data", limitBytes);
    }
  }
}
