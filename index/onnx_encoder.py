"""A transformer encoder run by onnxruntime, as the first module of a SentenceTransformer.

The ``[onnx]`` extra of sentence-transformers would do the same through optimum, which holds
sentence-transformers back by a major version; a model folder names this class in its ``modules.json``
instead. sentence-transformers asks for ``trust_remote_code=True`` to import any class but its own;
``index.embedding`` gives it for this class alone.

Texts run in small groups of like length. The bundled model gives a text the same vector whatever its
group, so grouping is a matter of speed only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from sentence_transformers.base.modules import InputModule
from tokenizers import Tokenizer

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
PAD_TOKEN = "<pad>"
TOKENS_PER_RUN = 1024  # more than this falls out of the processor's cache
CHARACTERS_PER_TOKEN = 16  # no token of the vocabulary is longer
CPU_FACTS = Path("/proc/cpuinfo")
MOST_THREADS = 8  # a short text gains nothing from more


class OnnxEncoder(InputModule):  # type: ignore[misc]
    """Tokenises texts and gives the embedding of every token.

    Expects in ``folder`` a ``tokenizer.json`` and a ``model.onnx`` with inputs ``input_ids`` and
    ``attention_mask``, int64 (batch, length), and output ``token_embeddings``, float32 of shape
    (batch, length, hidden).
    Texts of more than ``max_seq_length`` tokens are cut there. Threads may share one encoder.
    """

    config_file_name = "onnx_encoder_config.json"
    config_keys: ClassVar[list[str]] = ["max_seq_length"]

    def __init__(self, folder: str, max_seq_length: int) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.max_seq_length = max_seq_length
        self.tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER_FILE))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_seq_length)
        self._pad = self.tokenizer.token_to_id(PAD_TOKEN)
        self._session = open_session(self.folder / MODEL_FILE, cores())
        self._hidden: int = self._session.get_outputs()[0].shape[-1]

    def preprocess(
        self, inputs: Sequence[str], prompt: str | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor]:
        """Texts with the prompt before each, as ``input_ids`` and ``attention_mask``, padded alike."""
        longest = self.max_seq_length * CHARACTERS_PER_TOKEN
        texts = [(prompt or "") + text[:longest] for text in inputs]
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        ids = np.full((len(rows), max(map(len, rows))), self._pad, np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}

    def forward(self, features: dict[str, torch.Tensor], **kwargs: Any) -> dict[str, torch.Tensor]:
        """Adds ``token_embeddings``, float32 (batch, length, hidden), meaningless where the mask is zero."""
        device = features["input_ids"].device
        ids = features["input_ids"].cpu().numpy()
        mask = features["attention_mask"].cpu().numpy()
        lengths = mask.sum(axis=1)
        embeddings = np.zeros((*ids.shape, self._hidden), np.float32)
        for rows in _groups(lengths):
            length = int(lengths[rows].max())
            feed = {"input_ids": ids[rows, :length], "attention_mask": mask[rows, :length]}
            embeddings[rows, :length] = self._session.run(None, feed)[0]
        features["token_embeddings"] = torch.from_numpy(embeddings).to(device)
        return features

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Copies the model's files and writes its configuration to ``output_path``."""
        for name in (MODEL_FILE, TOKENIZER_FILE):
            shutil.copyfile(self.folder / name, Path(output_path) / name)
        self.save_config(output_path)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> OnnxEncoder:
        """The encoder in a local folder; hub names are not looked up."""
        config = cls.load_config(model_name_or_path, subfolder=subfolder, local_files_only=True)
        return cls(str(Path(model_name_or_path, subfolder)), **config)


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


def _groups(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Row numbers, longest rows first, in groups whose padded size stays near ``TOKENS_PER_RUN``."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = max(1, TOKENS_PER_RUN // int(lengths[order[start]]))
        yield order[start : start + rows]
        start += rows
