"""Worlds: copies of the articles with facts changed, each holding many changes that do not disturb each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal

from eval.cases import Case, Document
from eval.normalising import contains, normalise
from index.segmentation import sentences

Type = Literal["figure", "date", "swap", "delete"]
TYPES: tuple[Type, ...] = ("figure", "date", "swap", "delete")


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` in the place of ``documents[document].text[start:end]``."""

    document: int
    start: int
    end: int
    text: str

    def touches(self, other: Edit) -> bool:
        """Whether both change the same place, or places next to each other."""
        return self.document == other.document and self.start <= other.end and other.start <= self.end


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One fact of a case, changed: ``old`` as it stood in the articles, ``new`` as it stands now, empty where it
    was deleted. What is ``gone`` stands in them no more, so that an answer with it was not read there."""

    case: Case
    type: Type
    old: str
    new: str
    gone: tuple[str, ...]
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class World:
    """The articles with all the edits of ``perturbations`` made."""

    name: str
    documents: tuple[Document, ...]
    perturbations: tuple[Perturbation, ...]


def edited(documents: Sequence[Document], edits: Iterable[Edit]) -> tuple[Document, ...]:
    """The documents with the edits made.

    Raises:
        ValueError: two edits that are not the same overlap.
    """
    changed = list(documents)
    last: Edit | None = None
    for edit in sorted(set(edits), key=lambda edit: (edit.document, edit.start), reverse=True):
        if last is not None and last.document == edit.document and edit.end > last.start:
            raise ValueError(f"edits overlap: {edit} and {last}")
        text = changed[edit.document].text
        text = text[: edit.start] + edit.text + text[edit.end :]
        changed[edit.document] = replace(
            changed[edit.document], text=re.sub(r"\n{2,}", "\n", text).strip("\n")
        )
        last = edit
    return tuple(changed)


def shared(
    name: str, perturbations: Sequence[Perturbation], most: int, documents: Sequence[Document]
) -> list[World]:
    """Perturbations put into at most ``most`` worlds, neighbours in the text into different ones; what fits into
    none is left out."""
    groups: dict[tuple[Edit, ...], list[Perturbation]] = {}
    for perturbation in perturbations:
        groups.setdefault(perturbation.edits, []).append(perturbation)
    filled: list[list[Perturbation]] = [[] for _ in range(most)]
    in_order = sorted(groups, key=lambda edits: [(edit.document, edit.start) for edit in edits])
    for place, edits in enumerate(in_order):
        for perturbation in groups[edits]:
            for turn in range(most):
                world = filled[(place + turn) % most]
                if all(_agree(perturbation, other) for other in world):
                    world.append(perturbation)
                    break
    return [
        World(
            f"{name}-{number}",
            edited(documents, (edit for perturbation in world for edit in perturbation.edits)),
            tuple(world),
        )
        for number, world in enumerate(filled, 1)
    ]


def _agree(one: Perturbation, other: Perturbation) -> bool:
    """Whether both can stand in one world."""
    if one.type != "delete" and any(
        mine.touches(theirs) for mine in one.edits for theirs in other.edits if mine != theirs
    ):
        return False
    if one.type == "swap":
        # A figure that must follow a company follows it only where nothing else moves in its statement.
        return not (names(other.case, one.old, one.new) or names(one.case, other.old, other.new))
    return not (names(other.case, one.old) or names(one.case, other.old))


def names(case: Case, *strings: str) -> bool:
    """Whether the question, or what was said before it, holds one of the strings."""
    asked = normalise("\n".join((*(text for _, text in case.history), case.question)))
    return any(contains(asked, normalise(string)) for string in strings if string)


def draw(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


def statement(text: str, at: int) -> tuple[int, int]:
    """The statement around an offset: its sentence, or the part of it between semicolons."""
    span = next(span for span in sentences(text) if span.start <= at < span.end)
    start = max(text.rfind(mark, span.start, at) for mark in ";；") + 1
    ends = [end + 1 for mark in ";；" if (end := text.find(mark, at, span.end)) >= 0]
    return max(start, span.start), min(ends, default=span.end)
