"""Settings of the index: where it lives, which model embeds, how passages are cut and ranked."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

PACKAGE = Path(__file__).parent


class IndexSettings(BaseModel):
    """The ``[index]`` table. Unknown keys are an error, so that a typing mistake cannot pass silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(Path("var/index"), description="folder of the index versions")
    articles: Path = Field(PACKAGE / "articles", description="folder of the source articles")
    model: str = Field(
        str(PACKAGE / "models" / "e5-small-zh"),
        description="embedding model: a folder, or a name that SentenceTransformer knows",
    )
    max_chars: int = Field(320, ge=80, le=2000, description="longest chunk, in characters")
    dense_weight: float = Field(
        0.7, ge=0.0, le=1.0, description="weight of meaning against keywords in fusion"
    )
    candidates: int = Field(50, ge=1, le=1000, description="how many each leg of the search proposes")
    keep_versions: int = Field(3, ge=1, description="how many old versions stay for a roll-back")
