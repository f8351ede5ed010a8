import type { CloseEvent, ErrorEvent, MessageEvent, WebSocket } from "ws";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import { messageOf } from "../support/message.ts";
import { ClientClosedError } from "./closed-error.ts";

type Handler<E> = ((event: E) => void) | null;

/** How long the server may take to answer a close before the connection is destroyed. */
const closeGraceMs = 1000;

/** Most bytes taken from a server before the client answers: its INFO, and whatever comes with it. */
const maxInfoBytes = 1024 * 1024;

/** Most messages taken until then: the client puts all of them together anew with each. */
const maxInfoMessages = 512;

/**
 * A websocket as far as nats-core knows one, given out before it is dialed: then the client's timeout
 * and its `close()` reach the dial by {@link close}, as they reach any websocket that is connecting. A
 * promise can't be told to end, and nats-core waits for ever for the close of a socket that it has not
 * been given.
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
   * @param dial - opens the websocket, paused; the signal says that the client doesn't want it any more.
   * @param timedOut - returns an error when the time for the dial is up already: the client closes for that then.
   */
  constructor(dial: (signal: AbortSignal) => Promise<WebSocket>, timedOut?: () => Error | undefined) {
    this.#timedOut = timedOut;
    // Not before the client has attached its handlers, which it does as soon as it has been given this.
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
      // Whatever the dialer does with its signal, the client hears of the close.
      setImmediate(() => this.#fail(why));
    } else if (!this.#ended) {
      ws.close();
      this.#closeTimer ??= setTimeout(() => ws.terminate(), closeGraceMs);
    }
  }

  /** Ends a dial under way, for the reason given; an open websocket is not affected. */
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
      // The client waits for INFO until its timeout, unless it hears of an error.
      if (!this.#answered) this.#tell("the server closed the connection before INFO", "handshake_closed");
      this.onclose?.(event);
    };
    this.onopen?.({});
    ws.resume();
  }

  #receive(ws: WebSocket, data: ArrayBuffer): void {
    // The client answers when it has all of INFO, and until then keeps whatever comes.
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
    this.#tell(why, "protocol");
  }

  #tell(message: string, reason: Reason): void {
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
