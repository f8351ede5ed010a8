import type { CloseEvent, ErrorEvent, MessageEvent, WebSocket } from "ws";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import { messageOf } from "../support/message.ts";
import { ClientClosedError } from "./closed-error.ts";

type Handler<E> = ((event: E) => void) | null;

/** Milliseconds to wait for the server's answer to a close before the connection is destroyed. */
const closeGraceMs = 1000;

/** Maximum bytes accepted from a server before the client answers: INFO and whatever follows it. */
const maxInfoBytes = 1024 * 1024;

/** Maximum messages accepted until then. The client concatenates all of them again for each one. */
const maxInfoMessages = 512;

/**
 * The part of the WebSocket interface that nats-core uses. It is returned before it is dialed, so that the client's
 * timeout and `close()` can end the dial through {@link close}. nats-core cannot end a dial that it has only a promise of,
 * and would wait forever for the close of a socket that it has not received.
 *
 * @see https://websockets.spec.whatwg.org/#the-websocket-interface
 */
export class DialedWebSocket {
  binaryType = "arraybuffer";
  onopen: Handler<object> = null;
  onmessage: Handler<Pick<MessageEvent, "data">> = null;
  onerror: Handler<Pick<ErrorEvent, "message" | "error">> = null;
  onclose: Handler<Pick<CloseEvent, "code" | "reason" | "wasClean">> = null;
  readonly #abort = new AbortController();
  readonly #timedOut: (() => Error | undefined) | undefined;
  #attached = false;
  #ws: WebSocket | undefined;
  #answered = false;
  #infoBytes = 0;
  #infoMessages = 0;
  #closeTimer: NodeJS.Timeout | undefined;
  #ended = false;

  /**
   * @param dial - opens the websocket, paused. The signal aborts when the client has given it up.
   * @param timedOut - returns an error if the dial's time is up; the client then closes for that reason.
   */
  constructor(dial: (signal: AbortSignal) => Promise<WebSocket>, timedOut?: () => Error | undefined) {
    this.#timedOut = timedOut;
    // The client attaches its handlers as soon as it has received this object.
    setImmediate(() => void this.#open(dial));
  }

  get bufferedAmount(): number {
    return this.#ws?.bufferedAmount ?? 0;
  }

  send(data: ArrayBuffer): void {
    this.#answered = true;
    this.#ws?.send(data);
  }

  close(): void {
    const ws = this.#ws;
    if (ws === undefined) {
      const why = this.#timedOut?.() ?? new ClientClosedError();
      this.#abort.abort(why);
      // The client is notified even if the dialer ignores its signal.
      setImmediate(() => this.#fail(why));
    } else if (!this.#ended) {
      ws.close();
      this.#closeTimer ??= setTimeout(() => ws.terminate(), closeGraceMs);
    }
  }

  /** Ends a dial in progress, for the given reason. An open websocket is not affected. */
  giveUp(why: unknown): void {
    if (this.#ws !== undefined) return;
    this.#abort.abort(why);
    if (this.#attached) this.#fail(why);
  }

  async #open(dial: (signal: AbortSignal) => Promise<WebSocket>): Promise<void> {
    this.#attached = true;
    try {
      const ws = await dial(this.#abort.signal);
      if (this.#abort.signal.aborted) ws.terminate();
      else this.#hand(ws);
    } catch (error) {
      this.#fail(error);
    }
  }

  #hand(ws: WebSocket): void {
    this.#ws = ws;
    ws.binaryType = "arraybuffer";
    ws.onmessage = ({ data }) => this.#receive(ws, data as ArrayBuffer);
    ws.onerror = (event) => this.onerror?.(event);
    ws.onclose = (event) => {
      clearTimeout(this.#closeTimer);
      this.#ended = true;
      // Without an error the client would wait for INFO until its timeout.
      if (!this.#answered) this.#emitError("the server closed the connection before INFO", "handshake_closed");
      this.onclose?.(event);
    };
    this.onopen?.({});
    ws.resume();
  }

  #receive(ws: WebSocket, data: ArrayBuffer): void {
    // The client answers when it has all of INFO, and keeps everything until then.
    if (!this.#answered) {
      this.#infoBytes += data.byteLength;
      this.#infoMessages += 1;
    }
    if (this.#infoBytes > maxInfoBytes) {
      this.#refuse(ws, `the server's first line exceeds ${maxInfoBytes} bytes`);
    } else if (this.#infoMessages > maxInfoMessages) {
      this.#refuse(ws, `the server's first line exceeds ${maxInfoMessages} messages`);
    } else {
      this.onmessage?.({ data });
    }
  }

  #refuse(ws: WebSocket, why: string): void {
    ws.onmessage = null;
    ws.terminate();
    this.#emitError(why, "protocol");
  }

  #emitError(message: string, reason: Reason): void {
    this.onerror?.({ message, error: new DialError(message, { reason }) });
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const message = messageOf(error);
    this.onerror?.({ message, error });
    this.onclose?.({ code: 1006, reason: message, wasClean: false });
  }
}
