"""Log lines: JSON for machines, or the console for people. Never a whole source URL, never a key."""

import json
import logging
import sys
from typing import Any, BinaryIO, Literal

import orjson
import structlog
import structlog.tracebacks


def configure(style: Literal["console", "json"]) -> None:
    """Sets up logging for this process, to standard error.

    Our own lines go straight there: a way through `logging` would cost a request for a small file a sixth of its time.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[structlog.typing.Processor] = [_tracebacks(), _json] if style == "json" else [_console()]
    structlog.configure(
        processors=[*shared, structlog.processors.StackInfoRenderer(), *ending, _line],
        logger_factory=_Lines(sys.stderr.buffer),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    handler.addFilter(_unheard)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("botocore", "aiobotocore", "asyncio", "psycopg.pool", "_granian", "pyvips", "libav"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _unheard(record: logging.LogRecord) -> bool:
    """Without what aiohttp leaves behind where a server goes away under a request: its caller has been told, and says so."""
    problem = record.exc_info[1] if record.exc_info else None
    return not (record.name == "asyncio" and type(problem).__name__ == "ClientConnectionResetError")


class _Lines(structlog.BytesLoggerFactory):
    """Makes loggers that know their names."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._to = file

    def __call__(self, *names: str) -> structlog.BytesLogger:
        logger = _Line(self._to)
        logger.name = names[0] if names else "ambrotype"
        return logger


class _Line(structlog.BytesLogger):
    name: str


def _json(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a lone half of a surrogate pair, which a caller may send, is no UTF-8
        return json.dumps(event, default=repr)


def _line(_logger: object, _method: str, rendered: Any) -> bytes:
    return str(rendered).encode("utf-8", "backslashreplace")


def _console() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _tracebacks() -> structlog.typing.Processor:
    """Without the values of variables: URLs and keys are among them."""
    return structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
