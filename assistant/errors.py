"""What can go wrong between a question and its answer.

    AssistantError
    └── QuestionError   the question cannot be asked as it stands (empty, too long)

Messages are in Chinese: they are shown to staff as they are. Trouble with the index keeps its own
errors (``index.errors``).
"""

from __future__ import annotations


class AssistantError(Exception):
    """Root of everything this package raises on purpose."""


class QuestionError(AssistantError):
    """The question cannot be asked as it stands; the message says why and what to do."""
