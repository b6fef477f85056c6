"""Rows are read from every kind of source; faults of rows and files are reported."""

import builtins
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conch_dna.domains.rows import digest_of_files, files_of, rows_of
from conch_dna.errors import DataError
from conch_dna.util.files import sha256_file

ROWS = [{"messages": [{"role": "user", "content": f"hé {i}"}], "n": i} for i in range(5)]


def read(source, split=None):
    return [row for path in files_of(source, split) for row in rows_of(path)]


def arrow(path, rows):
    """Write a file the way ``Dataset.save_to_disk`` does: Arrow's stream format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def saved(folder, rows, files=2):
    names = [f"data-{i:05}-of-{files:05}.arrow" for i in range(files)]
    for i, name in enumerate(names):
        arrow(folder / name, rows[i::files])
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")
    return folder


@pytest.fixture
def parquet(tmp_path):
    def write(name, rows):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path

    return write


@pytest.mark.parametrize(
    "text",
    ["\n".join(map(json.dumps, ROWS)), "\ufeff" + "\r\n\n".join(map(json.dumps, ROWS)), json.dumps(ROWS, indent=1),
     "\n  " + json.dumps(ROWS, ensure_ascii=False)],
    ids=["lines", "mark and blank lines", "array", "array after blanks"],
)  # fmt: skip
def test_json(tmp_path, text):
    (tmp_path / "x.jsonl").write_text(text, encoding="utf-8")
    assert read(tmp_path / "x.jsonl") == ROWS


def test_a_faulty_line_is_reported_and_the_others_are_read(tmp_path):
    lines = [b'{"a": 1}', b"{", b'"text"', b'{"a": "\xff"}', b"[" * 100_000, b'{"a": NaN}', b'{"a": "\xe2\x80\xa8"}']
    (tmp_path / "x.jsonl").write_bytes(b"\n".join(lines))
    assert read(tmp_path / "x.jsonl") == [
        {"a": 1}, "not JSON", "not a JSON object", "not UTF-8", "not JSON", "not JSON", {"a": "\u2028"},
    ]  # fmt: skip


def test_parquet(parquet):
    assert read(parquet("x.parquet", ROWS)) == ROWS


def test_what_a_row_lacks_is_not_null(parquet):
    rows = [{"m": [{"a": 1}, {"b": "x"}], "c": 2}, {"m": []}]
    assert read(parquet("x.parquet", rows)) == rows


def test_a_folder_of_parquet_is_read_in_order_and_its_test_split_left_alone(tmp_path, parquet):
    parquet("data/train-00001-of-00002.parquet", ROWS[3:])
    parquet("data/train-00000-of-00002.parquet", ROWS[:3])
    parquet("data/test-00000-of-00001.parquet", [{"held": "out"}])
    assert read(tmp_path) == ROWS
    assert read(tmp_path, "test") == [{"held": "out"}]


def test_a_saved_data_set_is_read(tmp_path):
    assert sorted(read(saved(tmp_path / "one", ROWS)), key=lambda row: row["n"]) == ROWS


def test_of_a_saved_dictionary_the_training_split_is_read(tmp_path):
    saved(tmp_path / "train", ROWS, files=1)
    saved(tmp_path / "test", [{"held": "out"}], files=1)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["test", "train"]}')
    assert read(tmp_path) == ROWS
    assert read(tmp_path, "test") == [{"held": "out"}]


@pytest.mark.parametrize(
    ("splits", "asked", "message"),
    [
        (["test", "dev"], None, "several splits; allowed: test, dev. Name one with --split"),
        (["train", "dev"], "tset", "no such split; got tset; allowed: train, dev"),
    ],
    ids=["unclear", "unknown"],
)
def test_a_split_must_be_clear(tmp_path, splits, asked, message):
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    with pytest.raises(DataError) as caught:
        files_of(tmp_path, asked)
    assert message in str(caught.value)


def test_the_only_split_is_taken(tmp_path, parquet):
    parquet("sft-0.parquet", ROWS)
    assert read(tmp_path) == ROWS


def test_a_file_has_no_splits(tmp_path):
    with pytest.raises(DataError, match="has no splits; got --split train"):
        files_of(tmp_path / "x.jsonl", "train")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.parquet", b"PAR1 but no more", "x.parquet: cannot be read: Parquet"),
        ("x.arrow", b"not arrow", "x.arrow: cannot be read: "),
        ("x.json", b'[{"a": 1},', "x.json: is not JSON"),
        ("x.json", b"[" * 100_000, "x.json: is not JSON"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        read(tmp_path / name)
    assert message in str(caught.value)


def test_values_that_python_lacks_name_the_file(tmp_path):
    not_utf8 = pa.array([b"\xff"]).view(pa.string())
    far = pa.array([2**61], pa.timestamp("us"))
    for name, column in (("text", not_utf8), ("date", far)):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"a": column}), path)
        with pytest.raises(DataError, match=rf"{name}.parquet: cannot be read"):
            read(path)


def test_a_cut_off_arrow_file_is_named(tmp_path):
    path = tmp_path / "x.arrow"
    arrow(path, ROWS)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"x.arrow: cannot be read"):
        read(path)


@pytest.mark.parametrize("name", ["state.json", "dataset_dict.json"])
@pytest.mark.parametrize(
    "text",
    ["{", "{}", "[]", "null", '{"splits": 5, "_data_files": [{"filename": 5}]}', "[" * 100_000],
    ids=lambda t: t[:9],
)
def test_a_saved_data_set_without_its_list_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"{name}: "):
        files_of(tmp_path)


def test_an_empty_folder_or_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="contains no data set; allowed: JSON lines"):
        files_of(tmp_path)
    with pytest.raises(DataError, match=r"gone.jsonl: cannot be read; got No such file"):
        read(tmp_path / "gone.jsonl")


def test_without_pyarrow_the_extra_is_named(parquet, monkeypatch):
    path, real = parquet("x.parquet", ROWS), builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=r"pyarrow is not installed. pip install 'conch-dna\[data\]'"):
        read(path)


def test_the_digest_is_that_of_the_file_or_over_the_files(tmp_path):
    files = [tmp_path / "a", tmp_path / "b"]
    for path in files:
        path.write_text(path.name)
    assert digest_of_files(files[:1]) == sha256_file(files[0])
    assert len({digest_of_files(files), digest_of_files(files[::-1]), digest_of_files(files[:1])}) == 3
