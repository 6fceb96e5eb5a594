"""``index.onnx_model`` as the first module of a SentenceTransformer.

The ``[onnx]`` extra of sentence-transformers would do the same through optimum, which holds
sentence-transformers back by a major version; a model folder names this class in its ``modules.json``
instead. sentence-transformers asks for ``trust_remote_code=True`` to import any class but its own;
``index.embedding`` gives it for this class alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from sentence_transformers.base.modules import InputModule

from index.onnx_model import MODEL_FILE, TOKENIZER_FILE, OnnxModel


class OnnxEncoder(InputModule):  # type: ignore[misc]
    """Tokenises texts and gives the embedding of every token, as ``OnnxModel`` does from the same folder."""

    config_file_name = "onnx_encoder_config.json"
    config_keys: ClassVar[list[str]] = ["max_seq_length"]

    def __init__(self, folder: str, max_seq_length: int) -> None:
        super().__init__()
        self.max_seq_length = max_seq_length
        self._model = OnnxModel(Path(folder), max_seq_length)
        self.tokenizer = self._model.tokenizer

    def preprocess(
        self, inputs: Sequence[str], prompt: str | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor]:
        """Texts with the prompt before each, as ``input_ids`` and ``attention_mask``, padded alike."""
        ids, mask = self._model.tokenise([(prompt or "") + text for text in inputs])
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}

    def forward(self, features: dict[str, torch.Tensor], **kwargs: Any) -> dict[str, torch.Tensor]:
        """Adds ``token_embeddings``, float32 (batch, length, hidden), meaningless where the mask is zero."""
        ids, mask = features["input_ids"], features["attention_mask"]
        embeddings = self._model.token_embeddings(ids.cpu().numpy(), mask.cpu().numpy())
        features["token_embeddings"] = torch.from_numpy(embeddings).to(ids.device)
        return features

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Copies the model's files and writes its configuration to ``output_path``."""
        for name in (MODEL_FILE, TOKENIZER_FILE):
            shutil.copyfile(self._model.folder / name, Path(output_path) / name)
        self.save_config(output_path)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> OnnxEncoder:
        """The encoder in a local folder; hub names are not looked up."""
        config = cls.load_config(model_name_or_path, subfolder=subfolder, local_files_only=True)
        return cls(str(Path(model_name_or_path, subfolder)), **config)
