"""What can go wrong at the doors, beyond what the index and the assistant report themselves.

    DoorError
    ├── ServiceError       a question cannot be answered now
    │   ├── LoadingError       the assistant is still being loaded
    │   ├── UnavailableError   loading failed; the message says why and what mends it
    │   ├── BusyError          too many questions are waiting
    │   ├── AnswerTimeoutError the answer did not come in time
    │   └── InternalError      a defect of ours; the log has the details, the reader does not
    ├── UnsupportedError     a program asks for something that an assistant of this kind cannot do
    ├── AddressError         the server cannot listen where it was told to
    ├── ExposureError        it would answer the network without asking who is there
    ├── UnknownArticleError  the articles hold none of this id
    ├── UnknownPassageError  the index holds no passage of this id
    ├── RecordsError         conversations or feedback cannot be read or kept; the message says why and what to do
    │   ├── RecordsInputError         what was to be kept is not as it has to be
    │   ├── UnknownConversationError  this owner has no such conversation
    │   └── UnknownAnswerError        this owner has no such answer
    └── KeysError            API keys cannot be read, made or revoked; the message says why and what to do

Messages are in Chinese: they are shown to staff as they are.
"""

from __future__ import annotations


class DoorError(Exception):
    """Root of everything this package raises on purpose."""


class ServiceError(DoorError):
    """A question cannot be answered now."""


class LoadingError(ServiceError):
    """The assistant is still being loaded."""


class UnavailableError(ServiceError):
    """The assistant could not be loaded; the message is the cause's own."""


class BusyError(ServiceError):
    """As many questions as allowed are waiting already."""


class AnswerTimeoutError(ServiceError):
    """The answer did not come within the time that a question may take."""


class InternalError(ServiceError):
    """A defect of ours. The traceback is in the log under the number the message gives."""


class UnsupportedError(DoorError):
    """A program asks for something that cannot be done. ``code`` and ``param`` name what, as OpenAI's errors do;
    ``status`` is the HTTP status to answer with."""

    def __init__(self, message: str, code: str, param: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.status = status


class AddressError(DoorError):
    """The server cannot listen on the address it was given."""


class ExposureError(DoorError):
    """The server would listen to other machines while everybody who reaches it may ask."""


class UnknownArticleError(DoorError):
    """The articles hold none of the id that was asked for, or hold it no longer."""


class UnknownPassageError(DoorError):
    """The index holds no passage of the id that was asked for, or holds it no longer."""


class RecordsError(DoorError):
    """Conversations, feedback or audit cannot be read or kept; the message names the file and what to do."""


class RecordsInputError(RecordsError):
    """What was to be kept is not as it has to be: a title, a rating, a reason, a comment."""


class UnknownConversationError(RecordsError):
    """There is no such conversation of this owner's, whoever else may have it."""


class UnknownAnswerError(RecordsError):
    """There is no such answer in this owner's conversations, whoever else may have it."""


class KeysError(DoorError):
    """API keys cannot be read, made or revoked: the file is damaged or out of reach, or the name is wrong."""
