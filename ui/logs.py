"""What the server writes to standard error: JSON for programs, plain lines for people, personal data masked in both."""

from __future__ import annotations

import json
import logging
import re
import sys

from pythonjsonlogger.json import JsonFormatter

from assistant.settings import LogSettings
from ui.masking import masked

_FIELDS = ("request_id", "method", "path", "status", "ms", "who", "door", "answer", "engine", "question")
"""What a line may say besides its message, in the order that people read it in."""
_WORD = re.compile(r'[^\s\x00-\x1f"]+')


def configure_logging(settings: LogSettings) -> None:
    """Send everything from ``INFO`` on, of this product, and from ``WARNING`` on, of its libraries, to standard error."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json_formatter() if as_json else _TextFormatter())
    handler.addFilter(_mask)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for package in ("ui", "assistant", "index"):
        logging.getLogger(package).setLevel(logging.INFO)


def _json_formatter() -> logging.Formatter:
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger", "message": "event"},
        json_ensure_ascii=False,
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )


class _TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        fields = (
            f"{name}={_plain(str(getattr(record, name)))}"
            for name in _FIELDS
            if getattr(record, name, "") != ""
        )
        return " ".join([super().formatMessage(record), *fields])


def _plain(value: str) -> str:
    """``value`` as one word of a line: what a client sent cannot pass for a line of its own."""
    return value if _WORD.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _mask(record: logging.LogRecord) -> bool:
    """Masks personal data in what ``record`` says; it is always written."""
    record.msg, record.args = masked(record.getMessage()), None
    for name in ("path", "question", "who"):
        if hasattr(record, name):
            setattr(record, name, masked(getattr(record, name)))
    return True
