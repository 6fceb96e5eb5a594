"""The parts of the model build, on inputs small enough to work out by hand."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from index.models.q4 import BLOCK_DTYPE, decode_blocks, read_packed
from index.models.vocabulary import is_chinese, kept_tokens, pruned, special_ids


def block(scale: float, weights: list[int]) -> bytes:
    """32 weights of -8 to 7, packed as the format's description says."""
    nibbles = [weight + 8 for weight in weights]
    return struct.pack("<e", scale) + bytes(nibbles[at] | nibbles[at + 16] << 4 for at in range(16))


ASCENDING = [*range(-8, 8), *range(7, -9, -1)]


def packed_file(path: Path) -> Path:
    """A model of two tokens and two tensors: a 2 x 32 matrix in 4 bits and a vector of three floats."""
    head = struct.pack("<4sI7ifi", b"E5S1", 1, 32, 1, 1, 64, 2, 4, 2, 1e-12, 32)
    blob = "a保".encode()
    tokenizer = struct.pack("<5iQ", 2, 0, 1, 0, 0, len(blob)) + struct.pack("<3I", 0, 1, len(blob))
    tokenizer += struct.pack("<2f", -1, -2) + blob
    normaliser = struct.pack("<iI", 0, 5) + b"xxxxx"
    matrix = block(0.5, ASCENDING) + block(-2.0, ASCENDING)
    vector = struct.pack("<3f", 1.5, -2.25, 0)
    table_size = 4 + 2 * (2 + 1 + 21)
    start = len(head) + len(tokenizer) + len(normaliser) + table_size
    table = struct.pack("<i", 2)
    table += struct.pack("<H", 1) + b"m" + struct.pack("<BIQQ", 1, 64, start, len(matrix))
    table += struct.pack("<H", 1) + b"v" + struct.pack("<BIQQ", 0, 3, start + len(matrix), len(vector))
    path.write_bytes(head + tokenizer + normaliser + table + matrix + vector)
    return path


def test_a_block_decodes_to_nibble_less_eight_times_its_scale() -> None:
    blocks = np.frombuffer(block(0.25, ASCENDING), BLOCK_DTYPE)
    assert decode_blocks(blocks).tolist() == [[weight * 0.25 for weight in ASCENDING]]


def test_the_packed_file_gives_its_shape_its_tokens_and_its_tensors(tmp_path: Path) -> None:
    packed = read_packed(packed_file(tmp_path / "tiny.bin"))
    assert (packed.hidden, packed.layers, packed.heads, packed.ffn) == (32, 1, 1, 64)
    assert (packed.max_positions, packed.type_vocab) == (4, 2)
    assert packed.pieces == ("a", "保")
    assert packed.vector("v").tolist() == [1.5, -2.25, 0]
    halves, doubles = packed.matrix("m", 32).tolist()
    assert halves == [weight * 0.5 for weight in ASCENDING]
    assert doubles == [weight * -2.0 for weight in ASCENDING]
    assert packed.matrix("m", 32, np.array([1])).tolist() == [doubles]


@pytest.mark.parametrize("length", [3, 40, 70, 100, 170])
def test_a_file_cut_short_is_an_error(tmp_path: Path, length: int) -> None:
    path = packed_file(tmp_path / "tiny.bin")
    assert len(path.read_bytes()) > length
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="cut short"):
        read_packed(path)


def test_a_file_of_another_format_is_an_error(tmp_path: Path) -> None:
    path = packed_file(tmp_path / "tiny.bin")
    path.write_bytes(b"GGUF" + path.read_bytes()[4:])
    with pytest.raises(ValueError, match="not a packed e5 model"):
        read_packed(path)


def test_a_tensor_asked_for_in_the_wrong_form_is_an_error(tmp_path: Path) -> None:
    packed = read_packed(packed_file(tmp_path / "tiny.bin"))
    with pytest.raises(ValueError, match="m is not float32"):
        packed.vector("m")
    with pytest.raises(ValueError, match="v is not a 4-bit matrix"):
        packed.matrix("v", 32)


PIECES = [
    ("<s>", 0.0),
    ("<unk>", 0.0),
    ("▁the", -3.0),
    ("保险", -9.0),
    ("的に", -9.0),
    ("▁Москва", -9.0),
    ("2022", -11.0),
    ("▁passage", -12.0),
    ("，", -4.0),
    ("€", -9.0),
    ("😀", -9.0),
    ("▁zwei", -9.0),
    ("<mask>", 0.0),
]
TOKENIZER = {
    "added_tokens": [
        {"id": 0, "content": "<s>"},
        {"id": 1, "content": "<unk>"},
        {"id": 12, "content": "<mask>"},
    ],
    "post_processor": {"special_tokens": {"<mask>": {"id": "<mask>", "ids": [12], "tokens": ["<mask>"]}}},
    "model": {"type": "Unigram", "unk_id": 1, "vocab": [list(piece) for piece in PIECES]},
}


def test_chinese_numbers_marks_prompts_and_english_words_are_kept_and_nothing_else() -> None:
    kept = kept_tokens(PIECES, special_ids(TOKENIZER), {"▁the", "的に"})
    assert [PIECES[at][0] for at in kept] == [
        "<s>", "<unk>", "▁the", "保险", "2022", "▁passage", "，", "€", "<mask>",
    ]  # fmt: skip


def test_of_too_many_words_the_likeliest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.models.vocabulary.WORDS", 1)
    pieces = [("<s>", 0.0), ("rare", -9.0), ("common", -2.0)]
    assert kept_tokens(pieces, {0}, {"rare", "common"}) == [0, 2]


def test_a_pruned_tokenizer_renumbers_every_id_and_leaves_the_original_alone() -> None:
    smaller = pruned(TOKENIZER, [0, 1, 3, 12])
    assert smaller["model"]["vocab"] == [["<s>", 0.0], ["<unk>", 0.0], ["保险", -9.0], ["<mask>", 0.0]]
    assert smaller["model"]["unk_id"] == 1
    assert [token["id"] for token in smaller["added_tokens"]] == [0, 1, 3]
    assert smaller["post_processor"]["special_tokens"]["<mask>"]["ids"] == [3]
    assert TOKENIZER["added_tokens"][2]["id"] == 12


@pytest.mark.parametrize(
    ("character", "chinese"), [("保", True), ("，", True), ("Ａ", True), ("あ", False), ("a", False)]
)
def test_a_character_is_chinese_by_its_block(character: str, chinese: bool) -> None:
    assert is_chinese(character) is chinese


def test_eight_bit_rows_are_within_half_a_step_of_the_weights() -> None:
    graph = pytest.importorskip("index.models.graph", reason="needs onnx, of the build-model extra")
    weights = np.random.default_rng(7).normal(size=(5, 64)).astype(np.float32)
    weights[2] = 0
    integers, scales = graph.quantised(weights)
    assert integers.dtype == np.int8
    assert np.abs(integers).max() == 127
    assert (np.abs(integers * scales[:, None] - weights) <= scales[:, None] * 0.5001).all()
