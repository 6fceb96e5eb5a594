"""Cases written as the lines of a case file: the way back of ``cases.load_cases``. Empty keys are left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from eval.cases import Case, Document

_HALF = re.compile("[\ud800-\udfff]")


def case_dict(case: Case) -> dict[str, Any]:
    """A case as plain JSON values, keys in the order of the schema."""
    values: dict[str, Any] = {
        "id": case.id,
        "kind": case.kind,
        "question": case.question,
        "history": [{"role": role, "content": content} for role, content in case.history],
        "answerable": case.answerable,
        "facts": [list(alternatives) for alternatives in case.facts],
        "evidence": list(case.evidence),
        "forbid": list(case.forbid),
        "documents": [_document_dict(document) for document in case.documents],
        "max_chars": case.max_chars,
        "min_facts": case.min_facts,
        "references": list(case.references),
        "origin": case.origin,
        "variant": case.variant,
    }
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def dump_cases(cases: Iterable[Case]) -> str:
    """The text of a case file, one line for each case; ``load_cases`` reads the same cases from it."""
    return "".join(json_line(case_dict(case)) + "\n" for case in cases)


def cases_hash(cases: Iterable[Case]) -> str:
    """SHA-256, in hex, of all cases in their order: the same exactly where the same is asked and expected."""
    canonical = json.dumps([case_dict(case) for case in cases], sort_keys=True)
    return sha256(canonical.encode("ascii")).hexdigest()


def json_line(value: Any) -> str:
    """A JSON value as one line that UTF-8 can hold."""
    text = json.dumps(value, ensure_ascii=False)
    # Half of a surrogate pair stands for no character, but a hostile question may hold one, written as an escape.
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _document_dict(document: Document) -> dict[str, str]:
    values = {
        "title": document.title,
        "text": document.text,
        "published": document.published.isoformat() if document.published else "",
        "publisher": document.publisher,
        "url": document.url,
    }
    return {name: value for name, value in values.items() if value}
