/**
 * Key among the options of `net.connect`: whether the socket is of a dial that has observers. Every copy of this package
 * in a process has the same key.
 */
export const observedDialKey: unique symbol = Symbol.for("dialtrace.observedDial") as never;
