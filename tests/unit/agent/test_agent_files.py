"""Files are found and shown below one folder; nothing outside it is opened."""

import os
from functools import partial

import pytest

from conch_dna.agent import ToolFailed, files


@pytest.fixture
def root(tmp_path):
    (tmp_path / "secret.txt").write_text("the boiler key\n")
    (tmp_path / "rooted").mkdir()  # begins like the root
    (tmp_path / "rooted/a.txt").write_text("boiler\n")
    root = tmp_path / "root"
    (root / "home/.git").mkdir(parents=True)
    (root / "home/manual.TXT").write_text("first\nservice the Boiler in May\n")
    (root / "home/photo.bin").write_bytes(b"boiler\0\xff")
    (root / "home/.git/config.txt").write_text("boiler")
    (root / "boiler-plan.md").write_text("x" * 9000)
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to(tmp_path, target_is_directory=True)
    (root / "loop").symlink_to(root / "loop")
    (root / "inside.txt").symlink_to(root / "home/manual.TXT")
    os.mkfifo(root / "boiler.pipe")
    return root.resolve()


@pytest.fixture
def search(root):
    return partial(files.search_files, root)


@pytest.fixture
def read(root):
    return partial(files.read_file, root)


def test_a_pattern_finds_names_and_a_word_finds_text(search):
    assert search("*.txt", ".") == search("*.txt", "home") == "home/manual.TXT"
    assert search("boiler", "").splitlines() == [
        "boiler-plan.md", "boiler.pipe", "home/manual.TXT: service the Boiler in May"
    ]  # fmt: skip
    assert search("nowhere", "home") == "no file found"


def test_a_file_is_shown_up_to_a_length(read):
    assert read("home/manual.TXT") == "first\nservice the Boiler in May\n"
    assert read("inside.txt") == read("home/../home/manual.TXT") == read("home/manual.TXT")
    assert len(read("boiler-plan.md")) == files.SHOWN + 1


@pytest.mark.parametrize(
    "path",
    ["..", "../secret.txt", "../rooted/a.txt", "/etc/passwd", "home/../../secret.txt", "link.txt", "out/secret.txt",
     "loop", "a\0b", "x" * 5000, "nowhere.txt", "home", "home/photo.bin", "boiler.pipe", "~/x", "\ud800"],
)  # fmt: skip
def test_nothing_else_is_opened(read, search, path):
    with pytest.raises(ToolFailed):
        read(path)
    if path != "home":
        with pytest.raises(ToolFailed):
            search("*", path)


def test_a_link_created_after_the_check_is_not_followed(root, monkeypatch):
    """A link may replace the name between the check and the open."""
    monkeypatch.setattr(files, "inside", lambda _root, path: root / path)
    with pytest.raises(ToolFailed):
        files.read_file(root, "link.txt")
    with pytest.raises(ToolFailed):
        files.read_file(root, "out/secret.txt")


def test_a_search_is_limited_in_time_and_files(root, monkeypatch):
    for number in range(40):
        (root / f"many-{number:02}.log").write_text("")
    assert files.search_files(root, "*.log", ".").count("\n") == files.MOST_FOUND
    assert "no file" in files.search_files(root, "*a*" * 60 + "!", ".")  # nothing that backtracks for ever
    monkeypatch.setattr(files, "MOST_FILES", 3)
    assert files.search_files(root, "*.log", ".").endswith("too many files)")
