"""Errors of the evaluation. Messages are in Chinese: they are shown as they are.

EvaluationError
├── CasesError            case files cannot be used
├── ResponseError         what came back is not an answer
├── TargetError           what is to be asked cannot be asked
└── RunError              a kept run cannot be read, or does not fit
"""

from __future__ import annotations


class EvaluationError(Exception):
    """Root of everything this package raises on purpose."""


class CasesError(EvaluationError):
    """Case files cannot be used; the message names every file and line, and what is wrong there."""


class ResponseError(EvaluationError):
    """What came back is not an answer."""


class TargetError(EvaluationError):
    """What is to be asked cannot be asked, or cannot run a case of this sort."""


class RunError(EvaluationError):
    """A kept run cannot be read, or does not fit what it is put beside."""
