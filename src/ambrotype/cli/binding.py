"""The address to listen on, checked before anything is started."""

import errno
import ipaddress
import os
import socket

from ambrotype.cli import exits
from ambrotype.core import errors


def resolved(host: str) -> str:
    """The address that a host's name or address stands for; `exits.WrongUse` if none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise exits.WrongUse(f"--host {host!r} is neither an address nor a name of this machine.") from None
    return str(found[0][4][0])


def loopback(address: str) -> bool:
    """Whether only this machine can reach it."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def free(address: str, port: int) -> int:
    """`port` if it can be listened on, any free one for 0. Raises one sentence that says why not.

    Tried without SO_REUSEPORT, which Granian uses: with it two servers of one user would share a port unnoticed.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
            trial.listen(1)
        except OSError as problem:
            raise _refused(address, port, problem) from None
        return int(trial.getsockname()[1])


def url(address: str, port: int) -> str:
    """How this machine reaches it."""
    bound = ipaddress.ip_address(address.partition("%")[0])
    if bound.is_unspecified:
        address = "::1" if bound.version == 6 else "127.0.0.1"
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _refused(address: str, port: int, problem: OSError) -> errors.AmbrotypeError:
    if problem.errno == errno.EADDRINUSE:
        return errors.Unavailable(
            f"Port {port} of {address} is in use; end what listens there, or choose another --port."
        )
    if problem.errno == errno.EACCES:
        return errors.Unavailable(f"Port {port} may not be used by this user; choose a --port of 1024 or more.")
    if problem.errno == errno.EADDRNOTAVAIL:
        return exits.WrongUse(f"--host {address} is not an address of this machine.")
    return errors.Unavailable(f"Can't listen on port {port} of {address}: {os.strerror(problem.errno or 0)}.")
