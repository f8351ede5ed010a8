import { clearTimer, startTimer, startUnattended } from "./checked-clock.ts";
import { type Clock, systemClock } from "./clock.ts";

/** A timer that no caller waits for. It does not keep the process alive. If a user's clock throws, the system's is used. */
export class BackgroundTimer {
  #clock = systemClock;
  #timer: unknown;

  constructor(clock: Clock, callback: () => void, ms: number) {
    startUnattended(clock, (working) => {
      this.#timer = startTimer(working, callback, ms, true);
      this.#clock = working;
    });
  }

  /** Cancels the timer. */
  clear(): void {
    clearTimer(this.#clock, this.#timer);
  }
}
