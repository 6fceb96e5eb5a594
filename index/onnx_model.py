"""A transformer encoder run by onnxruntime, and nothing heavier: its tokens' embeddings, and vectors of whole texts.

PyTorch and sentence-transformers take half a gigabyte and seven seconds to import, and running the bundled model
needs neither. ``index.onnx_encoder`` offers the same model to sentence-transformers.

Texts run in small groups of like length. The bundled model gives a text the same vector whatever its
group, so grouping is a matter of speed only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
PAD_TOKEN = "<pad>"
TOKENS_PER_RUN = 1024  # more than this falls out of the processor's cache
CHARACTERS_PER_TOKEN = 16  # no token of the vocabulary is longer
CPU_FACTS = Path("/proc/cpuinfo")
MOST_THREADS = 8  # a short text gains nothing from more
_BATCH = 32  # texts whose embeddings are held at once
_SMALLEST = np.float32(1e-12)  # keeps a vector of zeros from being divided by its length

Tokens = NDArray[np.int64]
Floats = NDArray[np.float32]


class OnnxModel:
    """Tokenises texts and gives the embedding of every token.

    Expects in ``folder`` a ``tokenizer.json`` and a ``model.onnx`` with inputs ``input_ids`` and
    ``attention_mask``, int64 (batch, length), and output ``token_embeddings``, float32 of shape
    (batch, length, hidden).
    Texts of more than ``max_seq_length`` tokens are cut there. Threads may share one model.
    """

    def __init__(self, folder: Path, max_seq_length: int) -> None:
        self.folder = folder
        self.max_seq_length = max_seq_length
        self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_seq_length)
        self._pad = self.tokenizer.token_to_id(PAD_TOKEN)
        self._session = open_session(folder / MODEL_FILE, cores())
        self.hidden: int = self._session.get_outputs()[0].shape[-1]

    def tokenise(self, texts: Sequence[str]) -> tuple[Tokens, Tokens]:
        """The ids of the texts' tokens and their mask, both (texts, length of the longest)."""
        longest = self.max_seq_length * CHARACTERS_PER_TOKEN
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch([text[:longest] for text in texts])]
        ids = np.full((len(rows), max(map(len, rows))), self._pad, np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        return ids, mask

    def token_embeddings(self, ids: Tokens, mask: Tokens) -> Floats:
        """Embeddings (texts, length, hidden), meaningless where the mask is zero."""
        lengths = mask.sum(axis=1)
        embeddings = np.zeros((*ids.shape, self.hidden), np.float32)
        for rows in _groups(lengths):
            length = int(lengths[rows].max())
            feed = {"input_ids": ids[rows, :length], "attention_mask": mask[rows, :length]}
            embeddings[rows, :length] = self._session.run(None, feed)[0]
        return embeddings

    def mean_vectors(self, texts: Sequence[str]) -> Floats:
        """One vector of length 1 for each text, the mean over its tokens; (texts, hidden)."""
        # The padding of one long text would be held for all: a batch stays small.
        return np.concatenate([self._means(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)])

    def _means(self, texts: Sequence[str]) -> Floats:
        ids, mask = self.tokenise(texts)
        embeddings = self.token_embeddings(ids, mask)
        summed = np.einsum("tlh,tl->th", embeddings, mask.astype(np.float32))
        means = summed / mask.sum(axis=1, keepdims=True).astype(np.float32)
        vectors: Floats = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), _SMALLEST)
        return vectors


def cores() -> int:
    """How many cores this process may use, as far as they help a model."""
    return min(len(os.sched_getaffinity(0)), MOST_THREADS)


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A model ready to run on this machine's processor, with so many threads to a text."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the cores from the server beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not _adds_in_32_bits():
        # Products added in 16 bits can overflow. Asking for exact sums costs half the speed, so only where it must be.
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _adds_in_32_bits() -> bool:
    """Whether the processor has VNNI, whose sums of int8 products are exact; no where that cannot be told."""
    return CPU_FACTS.is_file() and "vnni" in CPU_FACTS.read_text("ascii", errors="replace")


def _groups(lengths: Tokens) -> Iterator[Tokens]:
    """Row numbers, longest rows first, in groups whose padded size stays near ``TOKENS_PER_RUN``."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = max(1, TOKENS_PER_RUN // int(lengths[order[start]]))
        yield order[start : start + rows]
        start += rows
