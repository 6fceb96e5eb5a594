"""What can go wrong at the doors, beyond what the index and the assistant report themselves.

    DoorError
    ├── ServiceError       a question cannot be answered now
    │   ├── LoadingError       the assistant is still being loaded
    │   ├── UnavailableError   loading failed; the message says why and what mends it
    │   ├── BusyError          too many questions at once
    │   └── InternalError      a defect of ours; the log has the details, the reader does not
    └── AddressError       the server cannot listen where it was told to

Messages are in Chinese: they are shown to staff as they are.
"""

from __future__ import annotations


class DoorError(Exception):
    """Root of everything this package raises on purpose."""


class ServiceError(DoorError):
    """A question cannot be answered now. ``code`` is what an API client can tell the cases apart by."""

    code = "unavailable"


class LoadingError(ServiceError):
    """The assistant is still being loaded."""

    code = "loading"


class UnavailableError(ServiceError):
    """The assistant could not be loaded; the message is the cause's own."""

    code = "index_unusable"


class BusyError(ServiceError):
    """As many questions as allowed are being answered, and none ended in time."""

    code = "busy"


class InternalError(ServiceError):
    """A defect of ours. The traceback is in the log under the number the message gives."""

    code = "internal"


class AddressError(DoorError):
    """The server cannot listen on the address it was given."""
