"""What can go wrong, on demand. `FAULTS` is the table; each fault takes the exchange and gives the answer to
send.

A fault's keyword parameters are its options, with their defaults. Every fault also takes `times`: it strikes
the first so many GETs of a URL, then the URL works.
"""

import inspect
from collections.abc import Callable, Mapping

from ambrotype.simulator import answers, exchange
from ambrotype.simulator.faults import content, status, transport
from ambrotype.simulator.faults.spec import Spec, Value

__all__ = ["FAULTS", "Spec", "Value", "make", "options", "parse", "sentence", "strike"]

Fault = Callable[..., answers.Answer]

FAULTS: Mapping[str, Fault] = {
    # the connection
    "drip": transport.drip,
    "cut": transport.cut,
    "reset": transport.reset,
    "hang": transport.hang,
    "short": transport.short,
    "long": transport.long,
    "chunked": transport.chunked,
    "unsized": transport.unsized,
    "endless": transport.endless,
    "headers": transport.headers,
    # the bytes, and what the headers say of them
    "changed": content.changed,
    "shifted": content.shifted,
    "norange": content.norange,
    "gzip": content.gzipped,
    "bomb": content.bomb,
    "page": content.page,
    "type": content.mistyped,
    "digest": content.digest,
    "truncated": content.truncated,
    "empty": content.empty,
    # the status
    "status": status.status,
    "redirect": status.redirect,
}


def options(name: str) -> dict[str, Value]:
    """A fault's options and their defaults."""
    return {
        option.name: option.default
        for option in inspect.signature(FAULTS[name]).parameters.values()
        if option.kind is inspect.Parameter.KEYWORD_ONLY
    }


def sentence(name: str) -> str:
    """What a fault does, in a sentence."""
    return " ".join((inspect.getdoc(FAULTS[name]) or "").split("\n\n")[0].split())


def parse(text: str) -> Spec:
    """`name:option=value:…` as it stands in a URL. `errors.InvalidRequest` where there is no such fault or
    option.
    """
    return Spec.parse(text, table={name: options(name) for name in FAULTS})


def make(name: str, **given: Value) -> Spec:
    """The same from values."""
    return Spec.make(name, given, table={name: options(name) for name in FAULTS})


def strike(spec: Spec, of: exchange.Exchange) -> answers.Answer:
    """The fault's answer, or the honest one once it has struck `times` times."""
    if spec.times and of.attempt >= spec.times:
        return of.serve()
    return FAULTS[spec.name](of, **spec.options)
