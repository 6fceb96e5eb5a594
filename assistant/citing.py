"""Compositions into claims with numbered citations, and into the text that is shown.

One stretch of an article has one number, however many claims rest on it; neighbouring list items of one passage
share a citation, so that a list of nine is proved by one quote rather than nine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from assistant.composition import Composition, Proof, Statement
from assistant.schema import Citation, Claim
from assistant.verifying import support
from index.schema import Passage

PassageAt = Callable[[str, int], Passage]
"""The passage of an article (by id) that holds an offset of its text, or the nearest after it."""

_NEAR = 40
"""Characters between two list items that one quote may still span."""


@dataclass
class Citer:
    """Collects the claims and citations of one answer. Used once."""

    passage_at: PassageAt
    claims: list[Claim] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    def cite(self, composition: Composition) -> str:
        """The text of ``composition`` with ``[n]`` markers; empty when none of its statements is supported."""
        statements = self._sharing_quotes(composition) if composition.bullets else composition.statements
        said = [text for statement in statements if (text := self._claim(statement))]
        if not said:
            return ""
        if composition.bullets:
            return composition.lead + "\n".join(f"- {text}" for text in said)
        if composition.joined and len(said) > 1:
            return f"{composition.lead}{said[0]}{composition.joined}{'、'.join(said[1:])}"
        return composition.lead + "".join(said)

    def _claim(self, statement: Statement) -> str:
        quotes = [proof.article.text[proof.start : proof.end] for proof in statement.proofs]
        judged = support(statement.text, quotes)
        if judged == "unsupported":
            return ""
        numbers = tuple(dict.fromkeys(self._number(proof) for proof in statement.proofs))
        self.claims.append(Claim(statement.text, numbers, judged))
        markers = "".join(f"[{number}]" for number in numbers)
        return f"{statement.before}{statement.text}{statement.after}{markers}"

    def _number(self, proof: Proof) -> int:
        for citation in self.citations:
            if (
                citation.article_id == proof.article.id
                and citation.start <= proof.start
                and proof.end <= citation.end
            ):
                return citation.number
        passage = self.passage_at(proof.article.id, proof.start)
        article = proof.article
        self.citations.append(
            Citation(
                number=len(self.citations) + 1,
                passage_id=passage.chunk.id,
                article_id=article.id,
                title=article.title,
                publisher=article.publisher,
                published=article.published,
                url=article.url,
                headings=passage.chunk.headings,
                quote=article.text[proof.start : proof.end],
                start=proof.start,
                end=proof.end,
            )
        )
        return len(self.citations)

    def _sharing_quotes(self, composition: Composition) -> Sequence[Statement]:
        """The list's statements, neighbours of one passage proved by the stretch that spans them."""
        groups: list[list[Statement]] = []
        for statement in composition.statements:
            proof = statement.proofs[0]
            last = groups[-1][-1].proofs[0] if groups else None
            if (
                last is not None
                and last.article.id == proof.article.id
                and 0 <= proof.start - last.end <= _NEAR
                and self._home(last) == self._home(proof)
            ):
                groups[-1].append(statement)
            else:
                groups.append([statement])
        shared = []
        for group in groups:
            spanning = Proof(group[0].proofs[0].article, group[0].proofs[0].start, group[-1].proofs[0].end)
            shared += [replace(statement, proofs=(spanning,)) for statement in group]
        return shared

    def _home(self, proof: Proof) -> str:
        return self.passage_at(proof.article.id, proof.start).chunk.id
