/**
 * Maximum length of a unix socket's path in bytes: the size of `sun_path` less the terminating NUL (unix(7)).
 * Node truncates a longer path and may use another socket.
 */
export const maxPathBytes = { win32: Number.POSITIVE_INFINITY, linux: 107 }[process.platform as string] ?? 103;
