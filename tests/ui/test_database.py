"""The file of records: what is refused, what survives, and who may read it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.ui.keeping import ENTRY, answered, ask, modified, questions
from ui import database as module
from ui.audit import Trail
from ui.browsers import load_secret
from ui.database import Database
from ui.errors import RecordsError
from ui.feedback import Feedback
from ui.records import Records


def test_what_is_no_database_is_refused_and_left_alone(file):
    file.parent.mkdir()
    file.write_text("这不是数据库" * 100, "utf-8")
    with pytest.raises(RecordsError, match="不是数据库") as raised:
        Database(file)
    assert str(file) in str(raised.value) and "server.records" in str(raised.value)
    assert file.read_text("utf-8") == "这不是数据库" * 100


def test_a_database_of_something_else_is_refused_and_left_alone(file):
    file.parent.mkdir()
    modified(file, "CREATE TABLE turns (a)")
    before = file.read_bytes()
    with pytest.raises(RecordsError, match="别的程序的数据库"):
        Database(file)
    assert file.read_bytes() == before


def test_records_of_a_newer_program_are_refused_and_left_alone(file, database, records):
    id = ask(records, "一").id
    database.close()
    version = len(module._MIGRATIONS)
    modified(file, f"PRAGMA user_version = {version + 1}")
    with pytest.raises(RecordsError, match="更新版本的程序") as raised:
        Database(file)
    assert "升级" in str(raised.value)
    modified(file, f"PRAGMA user_version = {version}")
    assert questions(records, id) == ["一"]


def test_a_file_of_the_first_version_is_taken_on_with_what_it_holds(file, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(module, "_MIGRATIONS", module._MIGRATIONS[:1])
        with closing(Database(file)) as first:
            id = ask(Records(first), "一").id
            Feedback(first).rate("甲", "a-一", "up")
    with closing(Database(file)) as database:
        records = Records(database)
        assert questions(records, id) == ["一"] and Feedback(database).total() == 1
        records.add("甲", id, answered("二", id="a-二"), entry=ENTRY)
        assert list(Trail(database).entries()) == [ENTRY]


def test_a_new_schema_is_reached_from_an_old_file_with_what_it_holds(file, database, records, monkeypatch):
    id = ask(records, "一").id
    database.close()
    added = (*module._MIGRATIONS, ("ALTER TABLE turns ADD COLUMN liked INTEGER NOT NULL DEFAULT 7",))
    monkeypatch.setattr(module, "_MIGRATIONS", added)
    for _ in range(2):
        with closing(Database(file)) as again:
            assert questions(Records(again), id) == ["一"]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT liked FROM turns").fetchall() == [(7,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(added),)


def test_a_new_schema_that_fails_half_way_leaves_the_old_one(file, database, records, monkeypatch):
    ask(records, "一")
    database.close()
    added = (
        *module._MIGRATIONS,
        ("ALTER TABLE turns ADD COLUMN liked INTEGER", "ALTER TABLE none ADD COLUMN x"),
    )
    with monkeypatch.context() as patched:
        patched.setattr(module, "_MIGRATIONS", added)
        with pytest.raises(RecordsError):
            Database(file)
    assert records.total() == 1
    with closing(sqlite3.connect(file)) as connection:
        assert "liked" not in [row[1] for row in connection.execute("PRAGMA table_info(turns)")]


@pytest.fixture
def unprivileged():
    """A folder of one's own, and no rights of root until the test ends."""
    folder = Path(tempfile.mkdtemp())
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, -1)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_a_file_that_may_not_be_written_is_told_at_once(unprivileged):
    file = unprivileged / "r.sqlite3"
    with closing(Database(file)) as database:
        ask(Records(database), "一")
    file.chmod(0o400)
    with pytest.raises(RecordsError, match=r"只读|权限") as raised:
        Database(file)
    assert str(file) in str(raised.value)


def test_a_folder_that_cannot_be_made_or_written_is_told_at_once(unprivileged):
    unprivileged.chmod(0o500)
    for file in (unprivileged / "r.sqlite3", unprivileged / "new" / "r.sqlite3"):
        with pytest.raises(RecordsError, match="权限") as raised:
            Database(file)
        assert str(file) in str(raised.value)
    with pytest.raises(RecordsError, match="权限"):
        load_secret(unprivileged / "key")


def test_a_folder_in_the_files_place_is_told(tmp_path):
    with pytest.raises(RecordsError, match="无法打开"):
        Database(tmp_path)


def test_a_file_that_turns_bad_while_open_is_told_and_found_by_the_check(file, database, records):
    for number in range(30):
        ask(records, f"{number}")
    database.close()
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(file.stat().st_size - 4096))
    damaged = Database(file)
    with pytest.raises(RecordsError, match="已损坏"):
        damaged.check()
    with pytest.raises(RecordsError, match="已损坏"):
        Records(damaged).conversations("甲")
    damaged.close()


def test_damage_in_what_is_seldom_read_is_found_by_the_check(file, database, records):
    for number in range(30):
        ask(records, f"{number}")
    database.close()
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'turns'").fetchone()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(bytes(4096))
    damaged = Database(file)
    with pytest.raises(RecordsError, match="已损坏"):
        damaged.check()
    damaged.close()


def test_a_file_that_another_program_holds_is_told(file, database, records, monkeypatch):
    ask(records, "一")
    database.close()
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsError, match="正被别的程序占用"):
            ask(records, "二")
        assert len(records.conversations("甲")) == 1
    assert ask(records, "三").turns == 1


def test_what_staff_asked_is_readable_by_nobody_else(tmp_path):
    os.umask(old := os.umask(0))
    os.umask(0)
    try:
        file = tmp_path / "made" / "r.sqlite3"
        database = Database(file)
        ask(Records(database), "一")
        load_secret(tmp_path / "made" / "key")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
        assert set(modes.values()) == {0o600} and {"r.sqlite3", "r.sqlite3-wal", "key"} <= set(modes)
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        database.close()
        there = tmp_path / "there"
        there.mkdir(mode=0o755)
        Database(there / "r.sqlite3").close()
        assert stat.S_IMODE(there.stat().st_mode) == 0o755
    finally:
        os.umask(old)


def test_all_who_start_at_once_on_a_new_file_can_use_it(tmp_path):
    for attempt in range(15):
        barrier = threading.Barrier(8)

        def start(file: Path, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(10)
            with closing(Database(file)) as database:
                ask(Records(database), "一")

        file = tmp_path / f"r{attempt}.sqlite3"
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(start, [file] * 8))
        with closing(Database(file)) as database:
            assert Records(database).total() == 8


def test_a_new_file_that_another_process_is_setting_up_is_waited_for(file):
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, other.execute, ["ROLLBACK"])
        timer.start()
        database = Database(file)
        timer.join()
    assert ask(Records(database), "一").turns == 1
    database.close()


def test_closing_while_others_are_at_work_leaves_no_connection_open(file, database, records):
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with database.connection():
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    database.close()
    assert file.with_name("records.sqlite3-wal").exists()
    go_on.set()
    thread.join(10)
    # SQLite takes its log away with the last connection.
    assert not file.with_name("records.sqlite3-wal").exists()
    assert ask(records, "还能用").turns == 1
    assert not file.with_name("records.sqlite3-wal").exists()
