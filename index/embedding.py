"""Texts into vectors: a SentenceTransformer behind LangChain's ``Embeddings``.

Any model that SentenceTransformer can load serves, a folder or a hub name. A folder is never looked up on
the network, and no code out of it is run. Where a folder lists its files in ``SHA256SUMS``, as the
bundled model does, they are checked first: a weight file that was cut or altered could otherwise give
vectors that are merely wrong.

A folder made of our own encoder, the mean over tokens and vectors of length 1, as the bundled one is, is run without
sentence-transformers, which would do the same after half a gigabyte of imports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from index.errors import ModelError
from index.onnx_model import OnnxModel

CHECKSUMS = "SHA256SUMS"
OWN_MODULE = "index.onnx_encoder.OnnxEncoder"
LIBRARY = "sentence_transformers."
REMEDY = "请检查设置 index.model；随附的模型可重新安装本程序来恢复。"


class Encoder(Protocol):
    """What is asked of a model, by the names that SentenceTransformer has for it."""

    def encode_document(self, texts: list[str], **options: Any) -> Any:
        """Vectors of passages, (texts, dimension)."""

    def encode_query(self, text: str, **options: Any) -> Any:
        """The vector of a question, (dimension,)."""

    def get_embedding_dimension(self) -> int | None:
        """How long a vector is; None where that is not known beforehand."""


class PlainEncoder:
    """A folder's own encoder with the mean over its tokens and vectors of length 1, run by onnxruntime alone.

    Gives what SentenceTransformer would; what it needs of the folder's configuration it reads from the same files.
    """

    def __init__(self, folder: Path) -> None:
        prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts", {})
        self._query: str = prompts.get("query", "")
        self._document: str = prompts.get("document", "")
        most = _read_json(folder / "onnx_encoder_config.json")["max_seq_length"]
        self._model = OnnxModel(folder, most)

    def encode_document(self, texts: list[str], **_: Any) -> NDArray[np.float32]:
        """Vectors of passages, (texts, dimension)."""
        return self._model.mean_vectors([self._document + text for text in texts])

    def encode_query(self, text: str, **_: Any) -> NDArray[np.float32]:
        """The vector of a question, (dimension,)."""
        vector: NDArray[np.float32] = self._model.mean_vectors([self._query + text])[0]
        return vector

    def get_embedding_dimension(self) -> int:
        """How long a vector is."""
        return self._model.hidden


class ModelEmbeddings(Embeddings):
    """Vectors of one model, all of length 1.

    ``name`` says which model it is, the same on every machine: a folder's last part, or the hub name.
    ``fingerprint`` changes whenever a file of the folder does; a hub model is taken at its name.
    ``dimension`` is the length of a vector. Threads may share one.

    Raises ModelError where the model is missing, damaged, or cannot be loaded.
    """

    def __init__(self, model: str) -> None:
        folder = Path(model).expanduser()
        if folder.is_dir():
            self.name = folder.resolve().name
            self.fingerprint = _fingerprint(folder)
            self._model: Encoder = _load(str(folder), local=True, own_code=_needs_own_code(folder))
        elif _is_path(model):
            raise ModelError(f"找不到向量模型文件夹 {model}。{REMEDY}")
        else:
            self.name = model
            self.fingerprint = f"hub:{model}"
            self._model = _load_from_hub(model)
        self.dimension = int(self._model.get_embedding_dimension() or len(self.embed_query("")))

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Passage vectors of ``texts``, float32 (texts, dimension)."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        encoded = self._model.encode_document(
            [_encodable(text) for text in texts], show_progress_bar=False, normalize_embeddings=True
        )
        return np.asarray(encoded, dtype=np.float32)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """``vectors`` as lists, the form LangChain asks for."""
        vectors: list[list[float]] = self.vectors(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question; compare it with those of passages by their dot product."""
        encoded = self._model.encode_query(
            _encodable(text), show_progress_bar=False, normalize_embeddings=True
        )
        vector: list[float] = np.asarray(encoded, dtype=np.float32).tolist()
        return vector


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_path(model: str) -> bool:
    return model.startswith(("/", ".", "~")) or model.count("/") > 1 or "\\" in model or Path(model).exists()


def _encodable(text: str) -> str:
    # Half of a surrogate pair, which JSON can carry, is no character and no tokenizer takes it.
    return text.encode("utf-8", "replace").decode("utf-8")


def _load_from_hub(name: str) -> Encoder:
    # What is downloaded already is used as it is: asking the hub first takes a minute where there is none.
    try:
        return _load(name, local=True, own_code=False)
    except ModelError:
        return _load(name, local=False, own_code=False)


def _load(model: str, *, local: bool, own_code: bool) -> Encoder:
    try:
        if own_code and _is_plain(Path(model)):
            return PlainEncoder(Path(model))
        library = import_module("sentence_transformers")
        loaded: Encoder = library.SentenceTransformer(
            model, local_files_only=local, trust_remote_code=own_code
        )
        return loaded
    except ModuleNotFoundError as error:
        raise ModelError(
            f"加载向量模型 {model} 需要 {error.name}，而它没有安装。"
            "请运行 pip install 'xiaobao[models]'，或改用随附的模型。"
        ) from error
    except Exception as error:
        # onnxruntime, tokenizers and the hub client raise bare Exceptions; each means the same here.
        where = "" if local else "如果它是模型仓库中的名称，下载它需要网络。"
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelError(f"无法加载向量模型 {model}：{reason}。{where}{REMEDY}") from error


def _is_plain(folder: Path) -> bool:
    """Whether the folder's modules are those that ``PlainEncoder`` stands for, set as it runs them."""
    modules = _read_json(folder / "modules.json")
    first, *others = (module["type"] for module in modules)
    # The library has moved its classes about within itself, so they are told by their names.
    if first != OWN_MODULE or [kind.rpartition(".")[2] for kind in others] != ["Pooling", "Normalize"]:
        return False
    pooling = _read_json(folder / modules[1]["path"] / "config.json")
    return bool(pooling.get("pooling_mode") == "mean" and pooling.get("include_prompt", True))


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _needs_own_code(folder: Path) -> bool:
    """Whether the folder names our own module. ModelError where it names code that is nobody's here."""
    listing = folder / "modules.json"
    if not listing.exists():
        if (folder / "config.json").exists():
            return False
        raise ModelError(f"向量模型文件夹 {folder} 里缺少 modules.json。{REMEDY}")
    try:
        named = {module["type"] for module in json.loads(listing.read_text(encoding="utf-8"))}
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"向量模型文件 {listing} 的内容无法识别：{error}。{REMEDY}") from error
    foreign = sorted(kind for kind in named if not kind.startswith(LIBRARY) and kind != OWN_MODULE)
    if foreign:
        raise ModelError(
            f"向量模型 {folder} 要求运行外部代码 {'、'.join(foreign)}，出于安全不予加载。{REMEDY}"
        )
    return OWN_MODULE in named


def _fingerprint(folder: Path) -> str:
    """SHA-256 over the folder's files; over the list of their sums where there is one, once checked."""
    sums = folder / CHECKSUMS
    if sums.exists():
        check_sums(folder, "向量模型", REMEDY)
        return sha256(sums)
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix != ".md":
            yield path


def check_sums(folder: Path, what: str, remedy: str) -> None:
    """Checks a folder against its list of sums; ``what`` and ``remedy`` are the reader's words for it.

    Raises:
        ModelError: the list or a file of it is missing, or a file is not the one that was listed.
    """
    sums = folder / CHECKSUMS
    if not sums.is_file():
        raise ModelError(f"找不到{what} {folder}，或其中缺少 {CHECKSUMS}。{remedy}")
    for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
        expected, _, name = line.partition("  ")
        path = folder / name
        if not name or not path.is_file():
            raise ModelError(f"{what} {folder} 不完整：缺少 {name or '校验清单中的文件名'}。{remedy}")
        if sha256(path) != expected:
            raise ModelError(f"{what} {folder} 已损坏：{name} 与校验值不符。{remedy}")
