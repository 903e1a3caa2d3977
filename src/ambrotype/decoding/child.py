"""The child's life: load the decoders, give every right up, then answer one request after the other.

Started as `python -I -m ambrotype.decoding.child MEMORY_BYTES OUTPUT_BYTES PARENT_PID NICENESS` with its socket as standard input.
An exception that no operation means to raise ends it: its parent takes that for a crash, which it is.
"""

import os
import signal
import socket
import sys

from ambrotype.core import errors
from ambrotype.decoding import operations, protocol, sandbox


def main() -> None:
    memory_bytes, output_bytes, parent_pid, niceness = (int(argument) for argument in sys.argv[1:5])
    os.nice(niceness)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    operations.prepare()
    limits = sandbox.enter(memory_bytes=memory_bytes, output_bytes=output_bytes, parent_pid=parent_pid)
    with socket.socket(fileno=0) as connection:
        connection.sendall(protocol.pack({"result": {"limits": limits}}))
        while (received := _receive(connection)) is not None:
            request, fds = received
            try:
                reply = _perform(request, fds)
            finally:
                for fd in fds:
                    os.close(fd)
            connection.sendall(protocol.pack(reply))


def _perform(request: protocol.Message, fds: list[int]) -> protocol.Message:
    try:
        return {"result": operations.OPERATIONS[request["operation"]](*fds, **request["arguments"])}
    except errors.CaptureFailed as error:
        return {"error": error.code, "detail": error.detail}
    except MemoryError:
        return {"error": protocol.OUT_OF_MEMORY, "detail": ""}


def _receive(connection: socket.socket) -> tuple[protocol.Message, list[int]] | None:
    """The next request with its file, and the one to write to; None when the parent has closed its end."""
    data, fds, _, _ = socket.recv_fds(connection, protocol.LENGTH.size, 2)
    if not data:
        return None
    while len(data) < protocol.LENGTH.size:
        data += connection.recv(protocol.LENGTH.size - len(data))
    (length,) = protocol.LENGTH.unpack(data)
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return protocol.unpack(body), fds


if __name__ == "__main__":
    main()
