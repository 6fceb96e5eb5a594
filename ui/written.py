"""Text on its way into the file of records: what readers wrote, and what answers repeat of it.

All of it passes here, so that what is done to such text before it is kept is done once and to everything: questions,
titles, comments, earlier messages, and an answer's own words. What is quoted from the articles stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from pydantic_core import PydanticSerializationError

from assistant.schema import Role
from ui.errors import RecordsInputError
from ui.masking import masked
from ui.rendering import clean
from ui.snapshot import Snapshot


def written(text: str) -> str:
    """``text`` as it is kept."""
    return _reworded(storable(text))


def answer_json(answer: Snapshot) -> str:
    """``answer`` as it is kept, in JSON. Its quotes and passages are the articles' own, to the character.

    Raises:
        RecordsInputError: the answer holds characters that cannot be stored.
    """
    kept = answer.model_copy(
        update={
            "question": _reworded(answer.question),
            "looked_up": _reworded(answer.looked_up),
            "text": _reworded(answer.text),
            "claims": tuple(replace(claim, text=_reworded(claim.text)) for claim in answer.claims),
            "suggestions": tuple(_reworded(suggestion) for suggestion in answer.suggestions),
        }
    )
    try:
        return kept.model_dump_json()
    except PydanticSerializationError as error:
        raise RecordsInputError("回答里有无法保存的字符，请换个说法再问。") from error


def history_json(history: Iterable[tuple[Role, str]]) -> str:
    """Earlier messages as they are kept, in JSON: ``role`` and ``content``, newest last."""
    return json.dumps(
        [{"role": role, "content": written(text)} for role, text in history], ensure_ascii=False
    )


def single_line(text: str) -> str:
    """``text`` on one line, without what cannot be shown."""
    return " ".join(clean(text).split())


def storable(text: str) -> str:
    """``text`` without lone surrogates, which UTF-8 has no place for."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def _reworded(text: str) -> str:
    """What is kept of what was said: all of it but personal data."""
    return masked(text)
