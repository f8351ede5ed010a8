"""Runs a command under a pseudo-terminal: terminal.py COLUMNS COMMAND...

Its output goes to standard output; what arrives at standard input is typed, so that a byte 3 is Ctrl-C.
Ends with the exit code of the command.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

columns, command = int(sys.argv[1]), sys.argv[2:]
terminal, side = pty.openpty()
fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))


def become_foreground():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


child = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, preexec_fn=become_foreground)
os.close(side)
inputs = [terminal, 0]
while terminal in inputs:
    for ready in select.select(inputs, [], [])[0]:
        try:
            data = os.read(ready, 65536)
        except OSError:
            # The last process with the terminal has ended.
            data = b""
        if not data:
            inputs.remove(ready)
        elif ready == terminal:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            os.write(terminal, data)
code = child.wait()
sys.exit(code if code >= 0 else 128 - code)
