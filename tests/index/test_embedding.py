"""The bundled model as it ships, and what loading says of a model that is missing or damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from index.embedding import CHECKSUMS, ModelEmbeddings
from index.errors import ModelError
from index.settings import IndexSettings

BUNDLED = Path(IndexSettings().model)
ARTICLES = sorted(IndexSettings().articles.glob("*.txt"))
PAYMENT = "平安人寿全年赔付410万件，赔付总金额404亿元。"
UNRELATED = "这座古桥建于明代，全长一百二十米，是省级文物保护单位。"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED, tmp_path / "copied-model"))


def nearest(model: ModelEmbeddings, question: str, texts: list[str]) -> str:
    return texts[int(np.argmax(model.vectors(texts) @ np.array(model.embed_query(question))))]


@pytest.mark.parametrize(
    "question",
    [
        "平安人寿一共赔了多少件？",
        "平安人壽一共賠了多少件？",
        "保险公司理赔了多少钱",
        "How many insurance claims did the life company pay?",
    ],
)
def test_a_question_is_nearer_to_the_passage_that_answers_it(
    real_model: ModelEmbeddings, question: str
) -> None:
    others = [UNRELATED, "2022年，公司举办了8万余场教育宣传活动。", "投诉热线全天候受理。"]
    assert nearest(real_model, question, [*others, PAYMENT]) == PAYMENT


def test_traditional_and_simplified_forms_of_a_text_lie_close_together(real_model: ModelEmbeddings) -> None:
    simplified, traditional, other = real_model.vectors(
        ["消费者权益保护工作委员会", "消費者權益保護工作委員會", UNRELATED]
    )
    assert simplified @ traditional > 0.8
    assert simplified @ traditional > simplified @ other + 0.5


def test_every_vector_has_length_one(real_model: ModelEmbeddings) -> None:
    vectors = real_model.vectors([PAYMENT, UNRELATED, "", "!"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, real_model.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(real_model.embed_query("问")) == pytest.approx(1, abs=1e-5)


def test_a_text_has_the_same_vector_alone_and_beside_longer_ones(real_model: ModelEmbeddings) -> None:
    texts = [PAYMENT, "保", UNRELATED * 12, "投诉", UNRELATED, PAYMENT * 30]
    together = real_model.vectors(texts)
    alone = np.concatenate([real_model.vectors([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-5


def test_documents_are_embedded_as_the_passages_they_are(real_model: ModelEmbeddings) -> None:
    listed = np.array(real_model.embed_documents([PAYMENT, UNRELATED]), np.float32)
    assert np.array_equal(listed, real_model.vectors([PAYMENT, UNRELATED]))
    assert not np.allclose(listed[0], real_model.embed_query(PAYMENT), atol=1e-3)


def test_the_model_is_an_ordinary_sentence_transformer_with_the_prompts_of_e5(
    real_model: ModelEmbeddings,
) -> None:
    plain = SentenceTransformer(str(BUNDLED), trust_remote_code=True, local_files_only=True)
    query = plain.encode("query: 谁负责投诉？")
    assert np.allclose(query, real_model.embed_query("谁负责投诉？"), atol=1e-6)
    passage = plain.encode("passage: " + PAYMENT)
    assert np.allclose(passage, real_model.vectors([PAYMENT])[0], atol=1e-6)


def test_the_bundled_model_is_run_without_the_heavy_libraries() -> None:
    code = (
        "import sys; from index.embedding import ModelEmbeddings; from index.settings import IndexSettings; "
        "ModelEmbeddings(IndexSettings().model).embed_query('谁'); "
        "print({'torch', 'sentence_transformers', 'transformers'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_model_that_is_put_together_otherwise_is_left_to_the_library(copy: Path) -> None:
    (copy / CHECKSUMS).unlink()
    pooling = copy / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | {"pooling_mode": "cls"}), "utf-8")
    plain = SentenceTransformer(str(copy), trust_remote_code=True, local_files_only=True)
    otherwise = ModelEmbeddings(str(copy)).embed_query("谁负责投诉？")
    assert np.allclose(plain.encode("query: 谁负责投诉？"), otherwise, atol=1e-6)
    assert not np.allclose(ModelEmbeddings(str(BUNDLED)).embed_query("谁负责投诉？"), otherwise, atol=1e-2)


def test_a_saved_model_loads_again_and_gives_the_same_vectors(
    real_model: ModelEmbeddings, tmp_path: Path
) -> None:
    plain = SentenceTransformer(str(BUNDLED), trust_remote_code=True, local_files_only=True)
    plain.save(str(tmp_path / "saved"), create_model_card=False)
    saved = ModelEmbeddings(str(tmp_path / "saved"))
    assert np.array_equal(saved.vectors([PAYMENT]), real_model.vectors([PAYMENT]))


def test_a_text_longer_than_the_model_reads_is_cut_at_its_end(real_model: ModelEmbeddings) -> None:
    endless, cut = real_model.vectors([PAYMENT * 400, PAYMENT * 60])
    assert np.array_equal(endless, cut)
    assert not np.array_equal(cut, real_model.vectors([PAYMENT])[0])


@pytest.mark.parametrize("text", ["", " \n", "😀" * 40, "\ud83d", "a\ud800b", "\x00", "<b>'; DROP TABLE x"])
def test_odd_text_has_a_finite_vector(real_model: ModelEmbeddings, text: str) -> None:
    assert np.isfinite(real_model.embed_query(text)).all()
    assert np.isfinite(real_model.vectors([text, PAYMENT])).all()


def test_no_texts_give_no_vectors(real_model: ModelEmbeddings) -> None:
    assert real_model.vectors([]).shape == (0, 384)
    assert real_model.embed_documents([]) == []


def test_threads_that_share_a_model_get_the_vectors_one_thread_gets(real_model: ModelEmbeddings) -> None:
    questions = [f"第{number}个问题，2022年有多少件？" for number in range(24)]
    expected = [real_model.embed_query(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(real_model.embed_query, questions)) == expected


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(self: socket.socket, address: object) -> None:
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: refuse(None, address))
    ModelEmbeddings(str(BUNDLED)).embed_query("谁")
    assert asked == []


@pytest.mark.parametrize("article", ARTICLES, ids=lambda path: path.stem)
def test_the_vocabulary_holds_every_character_of_the_articles(article: Path) -> None:
    tokenizer = Tokenizer.from_file(str(BUNDLED / "tokenizer.json"))
    encoding = tokenizer.encode(article.read_text(encoding="utf-8"))
    assert len(encoding.ids) > 500
    unknown = tokenizer.token_to_id("<unk>")
    assert [encoding.offsets[at] for at, token in enumerate(encoding.ids) if token == unknown] == []


@pytest.mark.parametrize("word", ["passage:", "query:", "2022", "404", "▁passage"])
def test_prompts_and_numbers_are_in_the_vocabulary(word: str) -> None:
    tokenizer = Tokenizer.from_file(str(BUNDLED / "tokenizer.json"))
    assert tokenizer.token_to_id("<unk>") not in tokenizer.encode(word).ids
    assert tokenizer.token_to_id("▁passage") is not None


def test_the_bundled_files_are_those_their_checksums_name() -> None:
    lines = (BUNDLED / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    named = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert {"model.onnx", "tokenizer.json", "modules.json"} <= named.keys()
    for name, digest in named.items():
        assert hashlib.sha256((BUNDLED / name).read_bytes()).hexdigest() == digest


def test_name_and_fingerprint_do_not_depend_on_where_the_folder_lies(
    real_model: ModelEmbeddings, tmp_path: Path
) -> None:
    moved = ModelEmbeddings(str(shutil.copytree(BUNDLED, tmp_path / "elsewhere" / BUNDLED.name)))
    assert (moved.name, moved.fingerprint) == (real_model.name, real_model.fingerprint)
    assert real_model.name == "e5-small-zh"


def test_another_file_in_the_folder_is_another_fingerprint(copy: Path) -> None:
    (copy / CHECKSUMS).unlink()
    before = ModelEmbeddings(str(copy)).fingerprint
    (copy / "onnx_encoder_config.json").write_text('{"max_seq_length": 256}', encoding="utf-8")
    assert ModelEmbeddings(str(copy)).fingerprint != before


def truncate_weights(folder: Path) -> None:
    weights = folder / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:1_000_000])


def change_one_byte(folder: Path) -> None:
    weights = bytearray((folder / "model.onnx").read_bytes())
    weights[20_000_000] ^= 1
    (folder / "model.onnx").write_bytes(weights)


def remove_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def garble_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")


def garble_modules(folder: Path) -> None:
    (folder / "modules.json").write_text("[1, 2", encoding="utf-8")


def remove_modules(folder: Path) -> None:
    (folder / "modules.json").unlink()


def remove_pooling(folder: Path) -> None:
    shutil.rmtree(folder / "1_Pooling")


DAMAGES = [
    truncate_weights,
    change_one_byte,
    remove_tokenizer,
    garble_tokenizer,
    garble_modules,
    remove_modules,
    remove_pooling,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_by_its_checksums(copy: Path, damage: Callable[[Path], None]) -> None:
    damage(copy)
    with pytest.raises(ModelError, match=r"copied-model (已损坏|不完整).*请检查设置"):
        ModelEmbeddings(str(copy))


@pytest.mark.parametrize("damage", [damage for damage in DAMAGES if damage is not change_one_byte])
def test_a_model_without_checksums_that_cannot_be_loaded_is_an_error_that_names_it(
    copy: Path, damage: Callable[[Path], None]
) -> None:
    (copy / CHECKSUMS).unlink()
    damage(copy)
    with pytest.raises(ModelError, match=r"向量模型.*copied-model.*请检查设置"):
        ModelEmbeddings(str(copy))


@pytest.mark.parametrize("name", ["/nowhere/to/be/found", "./missing", "a/b/c"])
def test_a_folder_that_does_not_exist_is_not_looked_for_on_the_network(name: str) -> None:
    with pytest.raises(ModelError, match=f"找不到向量模型文件夹 {name}"):
        ModelEmbeddings(name)


def test_code_that_a_model_brings_along_is_not_run(copy: Path) -> None:
    (copy / CHECKSUMS).unlink()
    witness = copy / "it-ran"
    (copy / "theirs.py").write_text(f"open({str(witness)!r}, 'w')\nclass Encoder: pass\n", encoding="utf-8")
    modules = json.loads((copy / "modules.json").read_text(encoding="utf-8"))
    modules[0]["type"] = "theirs.Encoder"
    (copy / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(ModelError, match=r"theirs\.Encoder.*出于安全"):
        ModelEmbeddings(str(copy))
    assert not witness.exists()


def test_a_model_that_needs_what_is_not_installed_says_what_to_install(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = json.loads((copy / "modules.json").read_text(encoding="utf-8"))
    (copy / "modules.json").write_text(json.dumps(modules[:2]), encoding="utf-8")
    (copy / CHECKSUMS).unlink()
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError, match=r"sentence_transformers，而它没有安装.*xiaobao\[models\]"):
        ModelEmbeddings(str(copy))
