"""The same encoder with float weights, as transformers knows it: the reference, and where training starts.

It has the pruned vocabulary and the weights as the 4-bit file holds them, without the rounding to 8 bits.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from index.models.q4 import Floats, PackedModel

MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMALISERS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def float_model(packed: PackedModel, kept: NDArray[np.int64]) -> BertModel:
    """A ``BertModel`` with the ``kept`` rows of the embedding table, ready to run."""
    config = BertConfig(
        architectures=["BertModel"],
        vocab_size=len(kept),
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.ffn,
        max_position_embeddings=packed.max_positions,
        type_vocab_size=packed.type_vocab,
        layer_norm_eps=packed.epsilon,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    state = {name: torch.from_numpy(array.copy()) for name, array in _weights(packed, kept).items()}
    model.load_state_dict(state)
    return model.eval()


def _weights(packed: PackedModel, kept: NDArray[np.int64]) -> dict[str, Floats]:
    hidden, ffn = packed.hidden, packed.ffn
    weights = {
        "embeddings.word_embeddings.weight": packed.matrix("emb.word", hidden, kept),
        "embeddings.position_embeddings.weight": packed.vector("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": packed.vector("emb.type").reshape(-1, hidden),
        "embeddings.LayerNorm.weight": packed.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.vector("emb.ln.b"),
    }
    for layer in range(packed.layers):
        prefix = f"encoder.layer.{layer}"
        for short, name in MATRICES.items():
            columns = ffn if short == "fo" else hidden
            weights[f"{prefix}.{name}.weight"] = packed.matrix(f"l{layer}.{short}.w", columns)
            weights[f"{prefix}.{name}.bias"] = packed.vector(f"l{layer}.{short}.b")
        for short, name in NORMALISERS.items():
            weights[f"{prefix}.{name}.weight"] = packed.vector(f"l{layer}.{short}.w")
            weights[f"{prefix}.{name}.bias"] = packed.vector(f"l{layer}.{short}.b")
    return weights


def mean_vectors(model: BertModel, tokenizer_file: Path, texts: Sequence[str]) -> Floats:
    """Mean of each text's token embeddings, L2-normalised, float32 (texts, hidden)."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    rows = []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([tokenizer.encode(text).ids])
            rows.append(model(input_ids=ids).last_hidden_state.mean(dim=1)[0])
    vectors: Floats = torch.nn.functional.normalize(torch.stack(rows), dim=1).numpy()
    return vectors


def write_float_model(folder: Path, model: BertModel, tokenizer_file: Path) -> None:
    """Writes ``config.json``, ``model.safetensors`` and ``tokenizer.json``, as transformers reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    shutil.copyfile(tokenizer_file, folder / "tokenizer.json")
