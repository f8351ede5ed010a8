"""Real slow links and black holes without tc: two network namespaces, and a relay between them.

Each namespace has a TUN device; this program hands packets from one to the other, late or not at all,
so that both ends are the kernel's own TCP. The namespaces have no names: they are gone with this
program and what was started in them, and it ends with its standard input.

What an address is like stands in its third number, IPv4 10.99.K.N as IPv6 fd99::K:N:

  0  alive    10 ms of round trip
  1  slow     400 ms of round trip, alive
  2  hole     no answer
  3  refuses  10 ms of round trip, nothing listens

Says "ready" when all is set up, or fails and says what is missing. It then runs in the client's namespace.
"""

import ctypes
import fcntl
import heapq
import os
import select
import socket
import struct
import subprocess
import sys
import time

PORT = 4000
ONE_WAY = {0: 0.005, 1: 0.2, 3: 0.005}
CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x1, 0x1000


def new_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "network namespace")


def tun():
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    return device


def ip(*lines):
    lines = ["link set lo up", *lines, "link set tun0 up"]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True, stderr=subprocess.PIPE)


def server_namespace():
    new_namespace()
    device = tun()
    lines = ["addr add 10.99.255.2/16 dev tun0", "addr add fd99::ff:2/64 dev tun0 nodad"]
    for kind in range(4):
        for number in range(1, 10):
            lines.append(f"addr add 10.99.{kind}.{number}/32 dev tun0")
            lines.append(f"addr add fd99::{kind}:{number}/128 dev tun0 nodad")
    ip(*lines)
    listeners = []
    for kind in (0, 1):
        for number in range(1, 10):
            listeners.append(socket.create_server((f"10.99.{kind}.{number}", PORT)))
            address = (f"fd99::{kind}:{number}", PORT)
            listeners.append(socket.create_server(address, family=socket.AF_INET6))
    return device, listeners


def client_namespace():
    new_namespace()
    device = tun()
    ip("addr add 10.99.255.1/16 dev tun0", "addr add fd99::ff:1/64 dev tun0 nodad")
    return device


def kind_of(packet, from_client):
    """The third number of the server's address."""
    if packet[0] >> 4 == 4:
        return packet[18 if from_client else 14]
    return packet[37 if from_client else 21]


def relay(client, server, listeners):
    accepting = {listener.fileno(): listener for listener in listeners}
    poll = select.poll()
    for source in (sys.stdin.fileno(), client, server, *accepting):
        poll.register(source, select.POLLIN)
    late = []
    count = 0
    conns = []
    while True:
        wait = None if not late else max(0, (late[0][0] - time.monotonic()) * 1000)
        for source, _ in poll.poll(wait):
            if source == sys.stdin.fileno():
                return
            if source in accepting:
                conns.append(accepting[source].accept())
                continue
            packet = os.read(source, 65536)
            delay = ONE_WAY.get(kind_of(packet, source == client))
            if delay is not None:
                count += 1
                heapq.heappush(late, (time.monotonic() + delay, count, server if source == client else client, packet))
        while late and late[0][0] <= time.monotonic():
            _, _, sink, packet = heapq.heappop(late)
            os.write(sink, packet)


def main():
    try:
        server, listeners = server_namespace()
        client = client_namespace()
    except OSError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"ip: {error.stderr.strip()}")
    print("ready", flush=True)
    relay(client, server, listeners)


main()
