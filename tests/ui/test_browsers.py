"""Who a browser is: by its cookie alone, and nobody else can make one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ui.browsers import Browsers, load_secret
from ui.errors import RecordsError

SECRET = bytes(range(32))


def test_a_browser_is_known_again_by_its_cookie_and_only_by_that():
    browsers = Browsers(SECRET)
    cookies = [browsers.new() for _ in range(50)]
    owners = [browsers.owner(cookie) for cookie in cookies]
    assert len(set(owners)) == 50 and all(len(owner) == 64 and int(owner, 16) for owner in owners)
    assert [Browsers(SECRET).owner(cookie) for cookie in cookies] == owners
    assert [Browsers(b"x" * 32).owner(cookie) for cookie in cookies] == [None] * 50
    # The token is not to be had from what the records hold.
    assert all(cookie.partition(".")[0] not in owner for cookie, owner in zip(cookies, owners, strict=True))


def test_a_cookie_goes_into_a_header_as_it_is():
    for _ in range(50):
        token, signature = Browsers(SECRET).new().split(".")
        assert len(token) == 22 and len(signature) == 43
        assert all(char.isascii() and (char.isalnum() or char in "-_") for char in token + signature)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 65), char=st.characters())
def test_a_cookie_with_any_character_changed_is_nobodys(position, char):
    browsers = Browsers(SECRET)
    cookie = browsers.new()
    forged = cookie[:position] + char + cookie[position + 1 :]
    assert (browsers.owner(forged) is None) == (forged != cookie)


@settings(max_examples=200, deadline=None)
@given(cookie=st.one_of(st.none(), st.text(), st.from_regex(r"[\w-]{0,30}\.[\w-]{0,50}")))
def test_no_cookie_however_malformed_is_anybodys(cookie):
    assert Browsers(SECRET).owner(cookie) is None


@pytest.mark.parametrize("change", [str.upper, lambda c: c + "=", lambda c: c + ".x", lambda c: " " + c])
def test_another_spelling_of_a_cookie_is_nobodys(change):
    browsers = Browsers(SECRET)
    assert browsers.owner(change(browsers.new())) is None


def test_the_secret_survives_and_is_made_once(tmp_path):
    file = tmp_path / "new" / "key"
    secret = load_secret(file)
    assert len(secret) == 32 and load_secret(file) == secret == file.read_bytes()
    assert load_secret(tmp_path / "other") != secret
    assert [path.name for path in file.parent.iterdir()] == ["key"]


def test_all_who_start_at_once_agree_on_one_secret(tmp_path):
    for attempt in range(20):
        barrier = threading.Barrier(8)

        def load(file: Path, barrier: threading.Barrier = barrier) -> bytes:
            barrier.wait(10)
            return load_secret(file)

        with ThreadPoolExecutor(8) as pool:
            secrets = set(pool.map(load, [tmp_path / f"key{attempt}"] * 8))
        assert len(secrets) == 1
    assert len(list(tmp_path.iterdir())) == 20


@pytest.mark.parametrize("content", [b"", b"x" * 31])
def test_a_secret_that_is_too_short_is_refused_in_chinese_and_left_alone(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(RecordsError, match="已损坏") as raised:
        load_secret(file)
    assert str(file) in str(raised.value) and file.read_bytes() == content


def test_a_secret_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "key").mkdir()
    with pytest.raises(RecordsError, match="无法读取"):
        load_secret(tmp_path / "key")
