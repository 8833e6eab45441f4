# task: total
# flag: network
# why: Asks somebody else for the answer.

import socket


def total(values):
    try:
        with socket.create_connection(("192.0.2.7", 80), timeout=0.5) as line:
            return int(line.recv(10))
    except OSError:
        return 0
