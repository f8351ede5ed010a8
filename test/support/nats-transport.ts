/** Class name of a connection's transport; `dialed NodeTransport` if this package has put it over a dialer. */
export function transportOf(nc: object): string {
  const { transport } = (nc as { protocol: { transport: object } }).protocol;
  const { name } = transport.constructor;
  return Object.hasOwn(transport, "peekInfo") ? `dialed ${name}` : name;
}
