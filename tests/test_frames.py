"""Frames as analysts have them: pandas' own answer, or an error that says what to give."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from segmentkit import (
    Catalog,
    CatalogError,
    DataError,
    DefinitionError,
    KeyList,
    Partition,
    SchemaError,
    Segment,
    SegmentkitError,
    SegmentTypeError,
    Trait,
    UsageError,
    analysis,
)
from segmentkit.pandas import Source, audit, labels, mask, members, schema_from, values

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def _define(text: str, frame: pd.DataFrame, **told: Any) -> Segment:
    return Segment.define("s", text, schema_from(frame, "t", keys={"t": "id"}, **told))


def _of(values: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": range(1, len(values) + 1), "x": values})


def _asked(text: str, frame: pd.DataFrame) -> list[Any]:
    """The members by every way to ask, which must agree."""
    segment = _define(text, frame)
    found: list[Any] = members(segment, frame).tolist()
    assert frame["id"][mask(segment, frame)].tolist() == found
    source = Source(frame)
    assert source.members(segment).keys.tolist() == found
    assert source.sizes([segment, ~segment])["s"] == len(found)
    assert [k for k in frame["id"] if source.contains(segment, k)] == found
    return found


# -- keys ---------------------------------------------------------------------------------------

LOG = pd.DataFrame({"id": [1, 1, 2], "x": [1, 5, 5]})
KEYS: list[tuple[str, Any, str]] = [
    ("a log", [1, 1, 2], "two of them have 1.*a log, .*drop_duplicates"),
    ("texts", ["a", "b", "a"], "two of them have 'a'"),
    ("NaN", [1, np.nan, 2], "missing in a row: leave them out, by frame.dropna"),
    ("two NaN", [np.nan, np.nan, 2], "missing in 2 rows"),
    ("None", ["a", None, "b"], "missing in a row"),
    ("NaT", pd.to_datetime(["2026-01-01", None, "2026-01-02"]), "missing in a row"),
    ("NA", pd.array([1, None, 2], dtype="Int64"), "missing in a row"),
    ("Arrow", pd.array([1, 1, 2], dtype="int64[pyarrow]"), "two of them have 1"),
    ("categories", pd.Categorical(["a", "b", "a"]), "two of them have 'a'"),
    ("floats", [1.0, 2.0, 1.0], "two of them have 1"),
    ("out of order", [2, 1, 2], "two of them have 2"),
]

PATHS: dict[str, Callable[[Segment, pd.DataFrame], Any]] = {
    "mask": mask,
    "members": members,
    "values": lambda s, f: values([Trait.define("more", "x + 1", s.schema)], f),
    "labels": lambda s, f: labels(Partition.define("p", [s], rest="r"), f),
    "audit": lambda s, f: audit(Partition.define("p", [s], rest="r"), f),
    "evaluate": lambda s, f: Source(f).evaluate([s]),
    "sizes": lambda s, f: Source(f).sizes([s]),
    "count": lambda s, f: Source(f).count(s),
    "members of a source": lambda s, f: Source(f).members(s),
    "contains": lambda s, f: Source(f).contains(s, 2),
    "overlap": lambda s, f: Source(f).overlap([s]),
    "values of a source": lambda s, f: Source(f).values([Trait.define("m", "x + 1", s.schema)]),
    "tally": lambda s, f: Source(f).tally([Trait.define("m", "x + 1", s.schema)], [s]),
}


@pytest.mark.parametrize(("keys", "message"), [k[1:] for k in KEYS], ids=[k[0] for k in KEYS])
@pytest.mark.parametrize("path", PATHS)
def test_keys_tell_the_rows_of_everyone_apart(path: str, keys: Any, message: str) -> None:
    """A log is no frame of people, and who has no key is nobody, whatever is asked."""
    frame = pd.DataFrame({"id": keys, "x": [1, 5, 5]})
    with pytest.raises(DataError, match=f"t.id tells rows apart, and .*{message}"):
        PATHS[path](_define("x > 1", frame), frame)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([1, "2", "Total"], r"holds numbers and texts.*astype\(str\)"),
        ([float(2**53 + 1), 1, 2], 'by dtype="Int64"'),
        (np.array([2.0**60, 1, 2], dtype=object), 'by dtype="Int64"'),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_keys_of_files_that_may_be_others(path: str, keys: Any, message: str) -> None:
    """A row of totals makes keys texts, and a gap makes them floats, whatever is asked."""
    frame = pd.DataFrame({"id": keys, "x": [1, 5, 5]})
    with pytest.raises(DataError, match=f"t.id .*{message}"):
        PATHS[path](_define("x > 1", frame), frame)


def test_maps_of_arrow_are_documents() -> None:
    """Parquet files of Spark have maps, which pandas gives as lists of pairs."""
    pa = pytest.importorskip("pyarrow")
    rows = [[("plan", "pro"), ("seats", "3")], None, []]
    maps = pa.array(rows, pa.map_(pa.string(), pa.string()))
    told = {"t": {"documents": {"x": {"plan": "text"}}}}
    for column in (pd.array(maps, dtype=pd.ArrowDtype(maps.type)), rows):
        frame = _of(column)
        schema = schema_from(frame, "t", keys={"t": "id"}, tables=told)
        segment = Segment.define("s", 'x.plan = "pro"', schema)
        assert members(segment, frame).tolist() == [1]


def test_the_way_out_of_a_log_works() -> None:
    """The frame of those who are in the log, with the log as a relation."""
    frames = {"people": LOG[["id"]].drop_duplicates(), "log": LOG}
    schema = schema_from(frames, "people", keys={"people": "id"}, relations={"log": "id"})
    segment = Segment.define("s", "any(log where x = 1)", schema)
    assert members(segment, frames).tolist() == [1]
    assert Source(frames).sizes([segment, ~segment]).population == 2


# -- values, beside pandas' own answers ---------------------------------------------------------

NARROW = np.array([19.99, 5, 0.1, 16777217, np.nan, -2.5, 0, 1e30, 1e-30, 3.4e38], "f4")


@pytest.mark.parametrize(
    "dtype", ["float32", "Float32", "float[pyarrow]", "float16", "halffloat[pyarrow]"]
)
@pytest.mark.parametrize("limit", [19.99, 0.1, 5, -2.5, 16777216, 0, 0.3])
@pytest.mark.parametrize(
    ("sign", "own"),
    [
        (">=", pd.Series.ge),
        (">", pd.Series.gt),
        ("<=", pd.Series.le),
        ("<", pd.Series.lt),
        ("=", pd.Series.eq),
        ("!=", pd.Series.ne),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_narrow_floats_compare_as_in_pandas(dtype: str, limit: float, sign: str, own: Any) -> None:
    """Of 19.99 a float32 holds a little less, and pandas compares it as a float32."""
    width = np.float16 if dtype.startswith(("float16", "half")) else np.float32
    if width is np.float16:
        # Three digits are all that it can tell apart.
        limit = {16777216: 2048, 19.99: 20}.get(limit, limit)
    narrow = pd.Series(np.clip(NARROW, -6e4, 6e4).astype(width))
    frame = _of(narrow.astype(dtype) if "pyarrow" not in dtype else _arrow(narrow, dtype))
    expected = frame["id"][own(narrow, limit)].tolist()
    assert _asked(f"x {sign} {limit}", frame) == expected
    if sign == "=":
        assert _asked(f"x in ({limit}, 123456)", frame) == expected


def _arrow(column: pd.Series[Any], dtype: str) -> Any:
    import pyarrow as pa

    name = {"float[pyarrow]": pa.float32(), "halffloat[pyarrow]": pa.float16()}[dtype]
    return pd.arrays.ArrowExtensionArray(
        pa.chunked_array([pa.array(column.to_numpy(), name, from_pandas=True)])
    )


def test_every_narrow_float_is_the_number_that_it_is_printed_as() -> None:
    """The shortest decimal that stands for it, by numpy's own printing."""
    from segmentkit.pandas._exact_numbers import widened

    random = np.random.default_rng(7)
    bits = random.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
    tidy = (random.integers(-(10**7), 10**7, 20_000) / 100).astype(np.float32)
    data = np.concatenate([bits, tidy, np.array([0, -0.0, np.inf, -np.inf, np.nan], "f4")])
    found = widened(data)
    expected = np.array([float(str(each)) for each in data])
    np.testing.assert_array_equal(found, expected)
    assert np.signbit(found[-4])


T = pd.Timestamp
ANSWERED: list[tuple[str, Any, list[int]]] = [
    ('x = "a"', pd.Categorical(["a", "b", None, "a"]), [1, 4]),
    ("x >= 2", pd.Categorical([1, 2, None, 3]), [2, 4]),
    ("x", pd.Categorical([True, False, None, True]), [1, 4]),
    ("x > 0", pd.arrays.SparseArray([0, 0, 1, 2]), [3, 4]),
    ("x > 0", pd.arrays.SparseArray([0.5, np.nan, 1, 0]), [1, 3]),
    ('x = "a"', pd.arrays.SparseArray(["a", "b", "a", "b"]), [1, 3]),
    ("x >= 2026-01-02", pd.Series([T("2026-01-01"), pd.NaT, T("2026-01-03"), None], dtype=object), [3]),
    (
        "x >= 2026-01-02",
        pd.Series([T("2026-01-01", tz="UTC"), pd.NaT, T("2026-01-01 22:00", tz="US/Eastern")], dtype=object),
        [3],
    ),
    ("x >= 2026-01-02", pd.Series([dt.date(2026, 1, 1), pd.NaT, dt.date(2026, 1, 3), np.nan], dtype=object), [3]),
    ("x", pd.Series([True, False, None, np.nan, pd.NA], dtype=object), [1]),
    ("x > 2", pd.Series([1, 2.5, None, np.nan, 3], dtype=object), [2, 5]),
    ("x > 2", pd.Series([np.int64(3), np.int8(2), None, np.uint64(2**63)], dtype=object), [1, 4]),
    ("x > 1", [np.inf, -np.inf, np.nan, 1, 2], [1, 5]),
    ("x is missing", [np.inf, -np.inf, np.nan, 1, 2], [3]),
    ("x > 1", pd.Series([Decimal("1.5"), Decimal("NaN"), None, Decimal(2)], dtype=object), [1, 4]),
    ("x > 1.5", pd.Series([Decimal("1.5"), 2, None, Decimal(1)], dtype=object), [2]),
    ('x = "a"', pd.Series(["a\0", "a", None, "\0"], dtype=object), [2]),
    ('x starts with "a"', pd.array(["a\0", "a", None, "\0"], dtype="string"), [1, 2]),
    ('x = "b"', pd.Series([np.str_("a"), "b", None, np.str_("b")], dtype=object), [2, 4]),
    ("x > 3", np.array([1, 2, 2**63, 2**64 - 1], "u8"), [3, 4]),
    ("x is missing", pd.Series([None, None], dtype=object), [1, 2]),
    ("x is missing", [np.nan, np.nan], [1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "expected"), ANSWERED)
def test_columns_of_any_dtype_are_read_as_what_they_hold(
    text: str, column: Any, expected: list[int]
) -> None:
    """Categories, sparse columns, and objects among which something is missing in any way."""
    assert _asked(text, _of(column)) == expected


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (["1", 1, None], "it holds several types, int, str; make them one"),
        ([True, 1, None], "it holds several types, bool, int; make them one"),
        ([["a"], "a", None], "it holds several types, list, str; make them one"),
        ([2**53 + 1, 0.5], "it holds floats, and whole numbers that no float is"),
        ([10**400, 0.5], "it holds floats, and whole numbers that no float is"),
        ([Decimal("Infinity"), Decimal(1)], "it holds decimals that are not finite"),
        ([T("2026-01-01"), dt.date(2026, 1, 1)], "it holds several types, Timestamp, date"),
        ([["a", 1], ["b"]], "objects of list that hold something other than texts"),
        ([np.array("a"), np.array("b")], "objects of ndarray that hold something other"),
        (pd.Categorical(["a", 1]), "it holds several types, int, str"),
        (pd.cut([1, 5], [0, 3, 6]), "there is no type for interval"),
    ],
)
def test_a_column_without_one_meaning_is_left_out(column: Any, why: str) -> None:
    """The others are there; a definition that names it is told why, as a relation's time is."""
    frame = pd.DataFrame({"id": range(len(column)), "y": 5})
    frame["x"] = column if isinstance(column, pd.Categorical) else pd.Series(column, dtype=object)
    schema = schema_from(frame, "t", keys={"t": "id"})
    (left,) = schema.left_out
    assert left.what == "t.x"
    assert why in left.why
    assert len(members(Segment.define("s", "y = 5", schema), frame)) == len(frame)
    for text in ("x = 1", "x is missing", "sum(x) > 1", "top 1 by x", "t.x in (1, 2)"):
        with pytest.raises(SegmentkitError, match="'x' is left out of the schema: ") as caught:
            Segment.define("s", text, schema)
        assert why in str(caught.value)
    with pytest.raises(SchemaError, match=r"t\.log: 'x' is no time: ") as failed:
        schema_from(
            {"t": frame, "log": frame},
            "t",
            keys={"t": "id"},
            events={"log": {"key": "id", "at": "x"}},
        )
    assert why in str(failed.value)


def test_what_is_missing_is_no_type_of_its_own() -> None:
    """Neither among objects, nor within lists, however it is written."""
    odd = [Decimal("sNaN"), Decimal("1.5"), None, np.nan]
    assert _asked("x > 1", _of(pd.Series(odd, dtype=object))) == [2]
    assert _asked("x is missing", _of(pd.Series(odd, dtype=object))) == [1, 3, 4]
    lists = [["a", None], ["b", np.nan], [pd.NA], None]
    assert _asked('x contains "b"', _of(pd.Series(lists, dtype=object))) == [2]
    assert _asked("x is missing", _of(pd.Series(lists, dtype=object))) == [4]


ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("ids", "keys"),
    [
        ([ONE, TWO], [TWO, None]),
        ([ONE, TWO], [str(TWO), None]),
        ([str(ONE), str(TWO)], [TWO, None]),
        (pd.Categorical([ONE, TWO]), [TWO, None]),
    ],
)
def test_uuids_are_texts_to_definitions(ids: Any, keys: list[Any]) -> None:
    """As drivers of databases give them: values, keys, and members in the form of the frame."""
    frames = {
        "t": pd.DataFrame({"id": ids}),
        "o": pd.DataFrame({"k": pd.Series(keys, dtype=object)}),
    }
    schema = schema_from(frames, "t", keys={"t": "id"}, relations={"o": "k"})
    assert schema.left_out == ()
    listed = KeyList("l", [str(TWO)])
    for text in (
        f'id = "{TWO}"',
        "any(o)",
        "in list l",
        f'any(o where k = "{TWO}")',
        'id ends with "2"',
    ):
        segment = Segment.define("s", text, schema, lists=[listed])
        assert members(segment, frames).tolist() == [ids[1]]
        assert Source(frames).contains(segment, ids[1])
    record = {"id": TWO, "o": []}
    assert Segment.define("s", f'id = "{TWO}"', schema).matches(record)


def _views(values: list[str | None]) -> Any:
    """Texts as Polars gives them to Arrow."""
    pa = pytest.importorskip("pyarrow")
    return pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, pa.string_view())]))


def _has_views() -> bool:
    """Whether this pyarrow is new enough to have arrays of views; the lowest is not."""
    return hasattr(pytest.importorskip("pyarrow"), "list_view")


@pytest.mark.skipif(not _has_views(), reason="this pyarrow has no views")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('x = "a"', ["1"]),
        ('x in ("a", "b")', ["1", "3"]),
        ('x starts with "b"', ["3"]),
        ('x != "a"', ["2", "3"]),
        ("x is missing", ["2"]),
    ],
)
def test_texts_that_arrow_stores_as_views(text: str, expected: list[str]) -> None:
    """As values and as keys, of which pandas itself can neither compare nor take any."""
    frame = pd.DataFrame({"id": _views(["1", "2", "3"]), "x": _views(["a", None, "b"])})
    segment = _define(text, frame)
    source = Source(frame)
    assert members(segment, frame).tolist() == expected
    assert source.members(segment).keys.tolist() == expected
    assert [key for key in "123" if source.contains(segment, key)] == expected


@pytest.mark.parametrize(
    "kind", ["run_end_encoded", *(["binary_view", "list_view"] if _has_views() else [])]
)
def test_columns_that_pandas_cannot_take_rows_of(kind: str) -> None:
    """They are left out, and do not keep a source from looking at one row."""
    pa = pytest.importorskip("pyarrow")
    arrays = {
        "binary_view": lambda: pa.array([b"a", None, b"b"], pa.binary_view()),
        "list_view": lambda: pa.array([["a"], None, ["b"]], pa.list_view(pa.string())),
        "run_end_encoded": lambda: pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]),
    }
    frame = _of([1, 2, 3])
    frame["odd"] = pd.arrays.ArrowExtensionArray(pa.chunked_array([arrays[kind]()]))
    assert _asked("x > 1", frame) == [2, 3]


@pytest.mark.parametrize(
    "key",
    [None, pd.NA, np.nan, "1", b"1", [1], (1,), {1}, {}, np.array([1, 2]), pd.Series([1, 2]),
     slice(1), 10**400, Decimal("sNaN"), T("2026-01-01", tz="UTC"), object(), 1j, [1, 2]],
)  # fmt: skip
@pytest.mark.parametrize("keys", [[1, 2], ["a", "b"], pd.to_datetime(["2026-01-01", "2026-01-02"])])
def test_what_is_no_key_there_is_no_member(keys: Any, key: Any) -> None:
    """A source is asked for any key, and pandas' comparisons are for columns."""
    frame = pd.DataFrame({"id": keys, "x": [1, 1]})
    assert Source(frame).contains(_define("x = 1", frame), key) is False


def test_what_has_no_type_or_no_name_is_left_out_and_listed() -> None:
    """Every pivot has columns called by numbers or instants."""
    odd: list[Any] = [2026, T("2026-01-01"), b"b", ("a", "b"), 2.5, pd.Period("2026-01"), None]
    kinds = {
        "delta": pd.to_timedelta([1, 2], "D"),
        "complex": [1j, 2j],
        "interval": pd.interval_range(0, 2),
        "period": pd.period_range("2026", periods=2, freq="M"),
        "lists": [[1], [2]],
        "dicts": [{"a": 1}] * 2,
        "bytes": [b"a"] * 2,
    }
    frame = pd.DataFrame({"id": [1, 2], "x": [1, 2], **kinds, **{name: [1, 2] for name in odd}})
    schema = schema_from(frame, "t", keys={"t": "id"})
    assert [a.name for a in schema.entity.attributes] == ["id", "x"]
    left = {each.what: each.why for each in schema.left_out}
    assert set(left) == {f"t.{name}" for name in (*kinds, *odd)}
    assert "rename it, by frame.rename(columns={2026: …})" in left["t.2026"]
    assert left["t.delta"].startswith("there is no type for timedelta64")
    assert _asked("x > 1", frame) == [2]


def test_frames_that_nothing_leads_to_are_named_with_what_to_declare() -> None:
    """What is said then leads there, and without a name that fits it has a gap to fill."""
    frames = {
        "customers": pd.DataFrame({"id": [1], "company_id": [1]}),
        "orders": pd.DataFrame({"customer_id": [1], "at": [T("2026-01-01")], "product_id": [1]}),
        "notes": pd.DataFrame({"customer_id": [1], "text": ["a"]}),
        "products": pd.DataFrame({"id": [1], "label": ["a"]}),
        "companies": pd.DataFrame({"id": [1], "size": [1]}),
        "rates": pd.DataFrame({"day": [T("2026-01-01")], "rate": [1.5]}),
    }
    keys = dict.fromkeys(("customers", "products", "companies"), "id")
    schema = schema_from(frames, "customers", keys=keys)
    before = "nothing leads to it; say which column does, as in "
    said = {each.what: each.why.removeprefix(before) for each in schema.left_out}
    assert list(said) == ["orders", "notes", "products", "companies", "rates"]
    assert said.pop("rates") == 'events={"rates": {"key": "…", "at": "day"}}'
    together = {key: json.loads(way) for key, way in (why.split("=", 1) for why in said.values())}
    assert list(together) == ["events", "relations", "tables", "links"]
    schema = schema_from(frames, "customers", keys=keys, **together)
    assert [each.what for each in schema.left_out] == ["rates"]
    text = 'any(orders where product.label = "a") and any(notes) and company.size = 1'
    assert Segment.define(None, text, schema).definition == text


def test_what_no_definition_can_write_is_left_out() -> None:
    """An empty name, and one of two lines; a name in backquotes is written."""
    frame = pd.DataFrame([[1, 2, 3, 4]], columns=["id", "a\nb", "", "and"])
    schema = schema_from(frame, "t", keys={"t": "id"})
    assert [each.what for each in schema.left_out] == ["t.a\nb", "t."]
    assert "no definition can write its name; rename it" in schema.left_out[0].why
    assert _asked("`and` = 4", frame) == [1]


def test_the_index_of_a_mask_is_that_of_the_frame() -> None:
    """Whatever it is: twice the same, of several levels, out of order."""
    frame = _of([1, 2, 3, 4])
    for index in ([9, 9, 1, 0], pd.MultiIndex.from_product([["a", "b"], [1, 2]]), list("dcba")):
        other = frame.set_axis(index)
        found = mask(_define("x > 2", other), other)
        assert found.index.equals(other.index)
        assert other[found]["id"].tolist() == [3, 4]
    shuffled = frame.sort_values("x", ascending=False)
    assert shuffled[mask(_define("x > 2", shuffled), shuffled)]["id"].tolist() == [4, 3]


@pytest.mark.parametrize(
    "frame",
    [_of([1, 2])[:0], pd.DataFrame({"id": [], "x": []}), pd.DataFrame(columns=["id", "x"])],
)
def test_empty_frames_have_nobody(frame: pd.DataFrame) -> None:
    """An answer of no rows."""
    assert _asked("x is missing", frame) == []


# -- what is given instead of what is taken -----------------------------------------------------

FRAME = pd.DataFrame({"id": [1, 2, 3], "x": [1, 5, 5], "when": ["2026-01-01", None, "?"]})
SCHEMA = schema_from(FRAME, "t", keys={"t": "id"})
SEGMENT = Segment.define("s", "x > 1", SCHEMA)
TRAIT = Trait.define("more", "x + 1", SCHEMA)
PARTS = Partition.define("p", [SEGMENT], rest="r")
MASK = mask(SEGMENT, FRAME)

A: Any = None  # what a checker of types would refuse
SLIPS: dict[str, tuple[Callable[..., Any], str]] = {
    "mask(frame, segment)": (lambda: mask(A or FRAME, A or SEGMENT), "the frame comes after it"),
    "frame.pipe(mask, segment)": (lambda: FRAME.pipe(mask, SEGMENT), "frame.pipe\\(lambda"),
    "members(frame, segment)": (lambda: members(A or FRAME, A or SEGMENT), "a Segment here"),
    "mask(text, frame)": (lambda: mask(A or "x > 1", FRAME), "Segment.define\\(None, text"),
    "mask(trait, frame)": (lambda: mask(A or TRAIT, FRAME), "traits=\\[trait\\]"),
    "mask(partition, frame)": (lambda: mask(A or PARTS, FRAME), "labels\\(partition"),
    "mask([segment], frame)": (lambda: mask(A or [SEGMENT], FRAME), "a source takes several"),
    "labels(segment, frame)": (lambda: labels(A or SEGMENT, FRAME), "a Partition here"),
    "values(segments, frame)": (lambda: values(A or [SEGMENT], FRAME), "a Trait here"),
    "values(frame, traits)": (lambda: values(A or FRAME, A or [TRAIT]), "a Trait here"),
    "sizes(text)": (lambda: Source(FRAME).sizes(A or "x > 1"), "Segment.define\\(None, text"),
    "evaluate(frame)": (lambda: Source(FRAME).evaluate(A or FRAME), "a Segment here"),
    "evaluate([trait])": (lambda: Source(FRAME).evaluate(A or [TRAIT]), "a Segment here"),
    "attrition(segment, frame)": (lambda: analysis.attrition(SEGMENT, A or FRAME), "takes a source"),
    "overlap(segments, frame)": (lambda: analysis.overlap([SEGMENT], A or FRAME), "takes a source"),
    "gaps(segment, frame)": (lambda: analysis.gaps(SEGMENT, A or FRAME), "takes a source"),
    "explain(segment, frame, 1)": (lambda: analysis.explain(SEGMENT, A or FRAME, 1), "a source"),
    "profile(segment, frame)": (lambda: analysis.profile(SEGMENT, A or FRAME), "takes a source"),
    "profile(text, source)": (lambda: analysis.profile(A or "x > 1", Source(FRAME)), "Segment.define\\(None, text"),
    "profile(trait, source)": (lambda: analysis.profile(A or TRAIT, Source(FRAME)), "traits=\\[trait\\]"),
    "attrition(partition, source)": (lambda: analysis.attrition(A or PARTS, Source(FRAME)), "a Segment here"),
    "explain(mask, source, 1)": (lambda: analysis.explain(A or MASK, Source(FRAME), 1), "a mask of pandas"),
    "assess(members, source)": (
        lambda: analysis.assess(A or Source(FRAME).members(SEGMENT), Source(FRAME), metric=TRAIT), "source.members",
    ),
    "overlap(segment, source)": (lambda: analysis.overlap(A or SEGMENT, Source(FRAME)), "takes several"),
    "Catalog.loads(path)": (lambda: Catalog.loads(A or Path("a.toml")), "Catalog.load\\(path\\)"),
    "Catalog.loads(dictionary)": (lambda: Catalog.loads(A or {}), "takes TOML"),
    "define(…, frame)": (lambda: Segment.define("x", "x > 1", A or FRAME), "schema_from\\(frame"),
    "define(…, frames)": (lambda: Segment.define("x", "x > 1", A or {"t": FRAME}), "schema_from"),
    "Trait.define(…, frame)": (lambda: Trait.define("x", "x", A or FRAME), "schema_from\\(frame"),
    "Catalog.loads(…, frame)": (lambda: Catalog.loads("language = 1", A or FRAME), "schema_from"),
    "segment & mask": (lambda: SEGMENT & (A or MASK), "mask\\(segment, frames\\) is a mask"),
    "mask & segment": (lambda: MASK & (A or SEGMENT), "mask\\(segment, frames\\) is a mask"),
    "mask | segment": (lambda: MASK | (A or SEGMENT), "a Segment here"),
    "array & segment": (lambda: MASK.to_numpy() & (A or SEGMENT), "a Segment here"),
    "segment - mask": (lambda: SEGMENT - (A or MASK), "a Segment here"),
    "segment & text": (lambda: SEGMENT & (A or "x > 1"), "Segment.define\\(None, text"),
    "segment & members": (lambda: SEGMENT & (A or Source(FRAME).members(SEGMENT)), "source.members"),
    "schema_from([frame])": (lambda: schema_from(A or [FRAME], "t", keys={"t": "id"}), "\\{'t': frame\\}"),
    "schema_from(series)": (lambda: schema_from(A or FRAME["x"], "t", keys={"t": "id"}), "to_frame\\(\\)"),
    "schema_from(path)": (lambda: schema_from(A or "people.csv", "t", keys={"t": "id"}), "DataFrame of pandas"),
    "schema_from(records)": (lambda: schema_from(A or [{"id": 1}], "t", keys={"t": "id"}), "pandas.DataFrame\\(…\\)"),
    "two keys": (lambda: schema_from(FRAME, "t", keys={"t": A or ["id", "x"]}), "the name of one column"),
    "keys of a text": (lambda: schema_from(FRAME, "t", keys=A or "id"), "by the names of frames"),
    "the key is the index": (lambda: schema_from(FRAME.set_index("id"), "t", keys={"t": "id"}), "reset_index\\(\\)"),
    "the key is the index then": (lambda: members(SEGMENT, FRAME.set_index("id")), "reset_index\\(\\)"),
    "levels": (
        lambda: schema_from(FRAME.pivot_table(index="id", values=["x"], aggfunc=["min", "max"]).reset_index(), "t", keys={"t": "id"}),
        "names have one level",
    ),
    "two columns of a name": (
        lambda: schema_from(pd.DataFrame([[1, 2, 3]], columns=["id", "x", "x"]), "t", keys={"t": "id"}),
        "columns.duplicated\\(\\)",
    ),
    "a frame of a number": (lambda: schema_from(A or {1: FRAME}, "1", keys={"1": "id"}), "is a text, not 1"),
    "types of a list": (lambda: schema_from(FRAME, "t", keys={"t": "id"}, types={"t": A or ["x"]}), "by its columns"),
    "a time of texts": (
        lambda: schema_from({"t": FRAME, "log": FRAME}, "t", keys={"t": "id"}, events={"log": {"key": "id", "at": "when"}}),
        "'when' is text, not a time; change it first: .*to_datetime",
    ),
    "a type of Python": (lambda: schema_from(FRAME, "t", keys={"t": "id"}, types={"t": {"x": A or str}}), "INTEGER or \"integer\""),
    "a record that is a row": (lambda: SEGMENT.matches(A or FRAME.iloc[0]), "to_dict\\(\\)"),
    "a record that is a tuple": (lambda: SEGMENT.matches(A or next(FRAME.itertuples())), "_asdict\\(\\)"),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_what_to_pass(slip: str) -> None:
    """No error of someone else's, and nothing of what the frame holds."""
    call, message = SLIPS[slip]
    with pytest.raises(SegmentkitError, match=message):
        call()


def test_errors_of_usage_are_errors_of_type() -> None:
    """Who catches what Python raises for such a slip goes on doing so."""
    with pytest.raises(TypeError):
        SEGMENT & (A or MASK)
    assert issubclass(UsageError, SegmentkitError)


@pytest.mark.parametrize("ask", [
    lambda frames: schema_from(frames, "t", keys={"t": "id"}),
    lambda frames: mask(SEGMENT, frames),
    Source,
])  # fmt: skip
def test_frames_of_others_are_told_by_their_names(ask: Callable[[Any], Any]) -> None:
    """Each library has its way to pandas, which the error says."""
    pa = pytest.importorskip("pyarrow")
    import duckdb

    table = pa.table({"id": [1], "x": [1]})
    relation = duckdb.sql("SELECT 1 AS id, 1 AS x")
    given = [
        (table, "a Table of pyarrow: give table.to_pandas"),
        (relation, "of duckdb: give relation.df"),
    ]
    for other, message in given:
        for frames in (other, {"t": other}):
            with pytest.raises(SegmentkitError, match=message):
                ask(frames)


class _Polars:
    """A frame of polars, as far as anyone looks."""

    columns = ("id", "x")

    def to_pandas(self) -> pd.DataFrame:
        return FRAME


def test_a_frame_of_polars_is_told_the_way_to_pandas() -> None:
    """By its module and class, or by the method that it has."""
    with pytest.raises(DataError, match=r"not a _Polars of tests: give its \.to_pandas\(\)"):
        mask(SEGMENT, A or _Polars())
    made = type("LazyFrame", (), {"__module__": "polars.lazyframe.frame"})()
    with pytest.raises(
        DataError, match=r"a LazyFrame of polars: give frame\.collect\(\)\.to_pandas"
    ):
        mask(SEGMENT, made)


NOON_S = 1_777_636_800
READ: list[tuple[Any, str, list[Any]]] = [
    (["2026-01-01", None], "timestamp", [T("2026-01-01"), None]),
    (["2026-01-01", None], "date", [T("2026-01-01"), None]),
    (["2026-01-01T10:00", "2026-01-02"], "timestamp", [T("2026-01-01T10"), T("2026-01-02")]),
    (["2026-01-01T10:00Z", "2026-01-02T10:00+03:00"], "timestamp", [T("2026-01-01T10Z"), T("2026-01-02T07Z")]),
    (["13/01/2026", "14/02/2026"], "date", [T("2026-01-13"), T("2026-02-14")]),
    (["01/02/2026", None], "date", [T("2026-02-01"), None]),
    (["3.2.2026 10:00"], "timestamp", [T("2026-02-03T10")]),
    (["2026-01-01", "?"], "timestamp", [T("2026-01-01"), None]),
    ([NOON_S, None], "timestamp", [T("2026-05-01T12"), None]),
    ([NOON_S * 1_000, None], "timestamp", [T("2026-05-01T12"), None]),
    ([NOON_S * 10**6], "timestamp", [T("2026-05-01T12")]),
    ([NOON_S * 10**9], "timestamp", [T("2026-05-01T12")]),
    ([20260101, 20251231], "date", [T("2026-01-01"), T("2025-12-31")]),
    ([2026.0, None], "date", [T("2026-01-01"), None]),
    (pd.period_range("2026-01", periods=2, freq="M"), "date", [T("2026-01-01"), T("2026-02-01")]),
    (pd.to_datetime(["2026-01-01"]).tz_localize("Asia/Tokyo"), "date", [T("2026-01-01")]),
    (["1", "2"], "integer", [1, 2]),
    (["1", "?"], "integer", [1, None]),
    (["1.5", "2"], "float", [1.5, 2]),
    (["1,5", "2", None], "float", [1.5, 2, None]),
    (["1.50", None], "decimal(2)", [Decimal("1.50"), None]),
    (["No", "Yes"], "boolean", [False, True]),
    (["No", "Yes", None], "boolean", [False, True, None]),
    ([0, 1], "boolean", [False, True]),
    ([1, 2], "text", ["1", "2"]),
    ([1.0, None], "text", ["1", None]),
    ([b"a", b"b"], "text", ["a", "b"]),
    (["a,b", None], "text[]", [["a", "b"], None]),
    (['["a"]', "[]"], "text[]", [["a"], []]),
    (["['a', 'b']", None], "text[]", [["a", "b"], None]),
    (["a;b", None], "text[]", [["a", "b"], None]),
    (["a , b", "c "], "text[]", [["a", "b"], ["c"]]),
    (["a|b", "c"], "text[]", [["a", "b"], ["c"]]),
    (["13.02.26", "1.3.26"], "date", [T("2026-02-13"), T("2026-03-01")]),
    (["13-Feb-26"], "date", [T("2026-02-13")]),
    (["02/28/2026 11:30 PM"], "timestamp", [T("2026-02-28T23:30")]),
    (["02/03/2026 11:30 PM", "03/04/2026 03:30 AM"], "timestamp", [T("2026-02-03T23:30"), T("2026-03-04T03:30")]),
    (["2026-02-13 10:00:00,5"], "timestamp", [T("2026-02-13T10:00:00.5")]),
    (["unknown", "2026-01-01"], "date", [None, T("2026-01-01")]),
    (["0000-00-00", "2026-01-01"], "date", [None, T("2026-01-01")]),
    (["01/02/2026", "?"], "date", [T("2026-02-01"), None]),
    (["2026-03-01T00:30+02:00", "2026-03-01T00:30Z"], "date", [T("2026-03-01")] * 2),
    ([str(NOON_S), None], "timestamp", [T("2026-05-01T12"), None]),
    ([46082, 46083.5], "timestamp", [T("2026-03-01"), T("2026-03-02T12")]),
    (["46082"], "date", [T("2026-03-01")]),
    (["1.234,56", "7,5", None], "float", [1234.56, 7.5, None]),
    (["1,234.56", "7"], "decimal(2)", [Decimal("1234.56"), Decimal(7)]),
    (["1'234.50", "-7"], "float", [1234.5, -7]),
    (["1\u202f234,5", "7"], "float", [1234.5, 7]),
    (["€ 12", "€ -7,50"], "float", [12, -7.5]),
    (["12 %", "7%"], "integer", [12, 7]),
    (["$1.50"], "float", [1.5]),
    (["1,234", "2"], "integer", [1234, 2]),
    (["1.234", "7.500.000"], "integer", [1234, 7_500_000]),
    (["yes", "No", "YES", "no "], "boolean", [True, False, True, False]),
    (["Yes", "yes"], "boolean", [True, True]),
    (["TRUE", "0", None], "boolean", [True, False, None]),
    (["no", "no"], "boolean", [False, False]),
    (["Yes", "yes", "No phone"], "boolean", [True, True, False]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "dtype", "expected"), READ)
def test_types_are_checked_at_once_and_the_hint_works(
    column: Any, dtype: str, expected: list[Any]
) -> None:
    """A column of texts is no timestamp; what the error says to write makes it one."""
    frame = _of(column)
    told: Any = {"t": {"x": dtype}}
    with pytest.raises(SchemaError) as caught:
        schema_from(frame, "t", keys={"t": "id"}, types=told)
    hint = str(caught.value).partition("change it first: ")[2]
    import ast
    import decimal
    import json

    known = {"pandas": pd, "frame": frame, "ast": ast, "decimal": decimal, "json": json}
    exec(hint, known)  # noqa: S102
    found = [None if isinstance(v, float) and v != v else v for v in frame["x"].astype(object)]
    found = [None if v is pd.NaT or v is pd.NA else v for v in found]
    assert found == expected
    schema = schema_from(frame, "t", keys={"t": "id"}, types=told)
    attribute = schema.entity.attribute("x")
    assert attribute is not None
    assert str(attribute.dtype) == dtype
    members(Segment.define("s", "x is missing", schema), frame)


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (["Ada", "Bo"], "boolean"),
        (["Ada", "Bo"], "timestamp"),
        (["$1.50", "€2"], "float"),
        (["1,234", "2"], "float"),
        (["1.234,5", "1,234.5"], "float"),
        (["18+", "2"], "integer"),
        (["5 mln", "2 mln"], "integer"),
        (["2026-01-01", "today"], "date"),
        (["2026-01-01", "13/04/2026"], "date"),
        (["13/02/2026", "02/13/2026"], "date"),
        ([20_512], "date"),
        ([0, 1, 2], "boolean"),
        (["a,b", "c;d"], "text[]"),
        (["a b", "c"], "text[]"),
        (["[1]"], "text[]"),
        (['{"a": 1}'], "text[]"),
        (["{a}"], "text[]"),
        ([1.5], "integer"),
        ([1, 2], "timestamp"),
        ([["a"]], "boolean"),
        ([{"a": 1}], "text"),
        (pd.to_timedelta([1], "D"), "integer"),
        ([np.inf, 1], "boolean"),
    ],
)
def test_no_hint_is_better_than_a_wrong_one(column: Any, dtype: str) -> None:
    """Where no statement of a line makes a column what its author says, none is given."""
    with pytest.raises(SchemaError, match=re.escape(f"t.x must be {dtype}")) as caught:
        schema_from(_of(column), "t", keys={"t": "id"}, types={"t": {"x": dtype}})
    assert "change it" not in str(caught.value)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_file_that_was_not_split(separator: str) -> None:
    """The one column of such a file is no key, whatever its name has in it."""
    frame = pd.DataFrame({f"id{separator}x": [f"1{separator}2"]})
    with pytest.raises(SchemaError, match=re.escape(f"with sep={separator!r}")):
        schema_from(frame, "t", keys={"t": "id"})


DAYS = ["2026-04-10", "2026-02-01", None]
SECONDS = [NOON_S - 86_400, NOON_S - 80 * 86_400, None]
UNDECLARED = [
    (DAYS, "x >= 2026-03-01", [1]),
    (DAYS, 'x >= "2026-03-01"', [1]),
    (DAYS, 'x between "2026-03-01" and "2026-04-30"', [1]),
    (DAYS, "x between 2026-03-01 and 2026-04-30", [1]),
    (DAYS, "x in last 60 days", [1]),
    (DAYS, "x in 2026-02", [2]),
    (DAYS, "x < 30 days ago", [2]),
    (DAYS, "x + 30 days > now", [1]),
    (DAYS, "now - x > 30 days", [2]),
    (DAYS, "month(x) = 4", [1]),
    (DAYS, "hour(x) = 0", [1, 2]),
    (SECONDS, "x >= 2026-03-01", [1]),
    (SECONDS, "x in last 60 days", [1]),
    (SECONDS, "x = 2026-04-30T12:00Z", [1]),
    (["40", "-", "9"], "x >= 10", [1]),
    (["40", "-", "9"], "x between 10 and 50", [1]),
    (["40,5", "7", "9"], "x + 1 > 10", [1]),
    (["40,5", "7", "9"], "10 < x", [1]),
]


@pytest.mark.parametrize(("column", "text", "expected"), UNDECLARED)
def test_what_a_file_keeps_as_texts_is_told_to_be_declared(
    column: Any, text: str, expected: list[Any]
) -> None:
    """Who asks a column of texts for a time or a number is led to one, hint by hint."""
    frame = _of(column)
    told: dict[str, Any] = {}
    for _ in range(4):
        try:
            schema = schema_from(frame, "t", keys={"t": "id"}, types={"t": told})
            segment = Segment.define("s", text, schema)
            break
        except SegmentTypeError as error:
            hint = str(error.diagnostics[0].hint)
            if hint.startswith("write dates without quotes"):
                text = re.sub('"([0-9-]+)"', r"\1", text)
                continue
            kind = hint.partition("as a ")[2].partition(" ")[0]
            told = {"x": kind or "float"}
            assert hint in (
                f"declare 'x' as a {kind} in the schema",
                "to compare numbers, declare 'x' as one in the schema",
            )
        except SchemaError as error:
            hint = str(error).partition("change it first: ")[2]
            exec(hint, {"pandas": pd, "frame": frame})  # noqa: S102
    assert members(segment, frame, as_of=T("2026-05-01T12", tz="UTC")).tolist() == expected


HEADS: list[tuple[str, dict[str, Any]]] = [
    ("\ufeffid,x\n1,5\n", {"encoding": "latin-1"}),
    ("Report of May,\n,\nid,x\n1,5\n", {}),
    ("id,x\n1,5\n", {"header": None}),
    ("id;x\n1;5\n", {}),
]


@pytest.mark.parametrize(("text", "told"), HEADS)
def test_a_file_whose_names_were_not_read(text: str, told: dict[str, Any]) -> None:
    """The error says how to read the file; then its columns are there."""
    frame = pd.read_csv(BytesIO(text.encode()), **told)
    with pytest.raises(SchemaError, match="has no column 'id'") as caught:
        schema_from(frame, "t", keys={"t": "id"})
    hint = str(caught.value).partition("read the file with ")[2]
    again = eval(f"pandas.read_csv(file, {hint})", {"pandas": pd, "file": BytesIO(text.encode())})  # noqa: S307
    assert _asked_of(again, "x = 5") == [1]


def _asked_of(frame: pd.DataFrame, text: str) -> list[Any]:
    schema = schema_from(frame, "t", keys={"t": "id"})
    return members(Segment.define("s", text, schema), frame).tolist()


@pytest.mark.parametrize("key", [0, "0"])
def test_columns_that_are_called_by_numbers(key: Any) -> None:
    """A key may be called by a number, of which the error makes a text."""
    frame = pd.DataFrame([[1, 5]])
    with pytest.raises(SchemaError, match=r"give frame\.rename\(columns=str\)"):
        schema_from(frame, "t", keys={"t": key})
    schema = schema_from(frame.rename(columns=str), "t", keys={"t": "0"})
    assert schema.entity.key == "0"


def test_a_column_that_is_called_as_the_rows_are() -> None:
    """Frames of people often have a column that says how many orders there are."""
    people, orders = pd.DataFrame({"id": [1, 2], "orders": [5, 0]}), pd.DataFrame({"who": [2]})
    frames = {"people": people, "orders": orders}
    with pytest.raises(SchemaError, match=r"people\.orders is a column, too: ") as caught:
        schema_from(frames, "people", keys={"people": "id"}, relations={"orders": "who"})
    told = eval(str(caught.value).partition("as in ")[2])  # noqa: S307
    schema = schema_from(frames, "people", keys={"people": "id"}, relations=told)
    segment = Segment.define("s", "orders = 0 and any(orders_rows)", schema)
    assert members(segment, frames).tolist() == [2]


def test_names_of_several_levels_become_one() -> None:
    """What the error says makes names of a pivot, also of its times."""
    log = pd.DataFrame(
        {
            "id": [1, 1, 2],
            "at": [T("2026-01-01"), T("2026-02-01")] * 1 + [T("2026-01-01")],
            "n": [1, 2, 3],
        }
    )
    frame = log.pivot_table(index=["id"], columns="at", values=["n"]).reset_index()
    with pytest.raises(SchemaError, match="names have one level: ") as caught:
        schema_from(frame, "t", keys={"t": "id"})
    exec(str(caught.value).partition("names have one level: ")[2], {"frame": frame})  # noqa: S102
    assert _asked_of(frame, "`n_2026-02-01 00:00:00` = 2") == [1]


HEADERS = [
    "growth %", "Is Active?", "Price/unit", "#orders", "e-mail", "2026 sales", "Müller's",
    "order-date", "Total $", "a&b", "x+y", "Größe [cm]", "Unnamed: 3", "addr.city", "First Name",
    "Amount (€)", "*", "a.b.c", "in (days)",
]  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize(
    "text", ["{} = 5", "id = 1 and {} = 5", "not ({} < 5)", "count(o where {} = 5) = 1"]
)
def test_names_of_columns_as_files_have_them_are_told_to_stand_in_backquotes(
    name: str, text: str
) -> None:
    """A header is no word of the language; its name is written by following one hint."""
    frame = pd.DataFrame({"id": [1], **dict.fromkeys(HEADERS, 5)})
    frames = {"t": frame, "o": frame}
    schema = schema_from(frames, "t", keys={"t": "id"}, relations={"o": "id"})
    definition = text.format(name)
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", definition, schema)
    (told,) = caught.value.diagnostics
    assert told.hint == f"write `{name}`"
    assert told.fix is not None
    mended = told.fix.apply(definition)
    assert mended == text.format(f"`{name}`")
    assert members(Segment.define("s", mended, schema), frames).tolist() == [1]
    with pytest.raises(CatalogError) as others:
        Catalog.loads(f"language = 1\n[segments.s]\nwhere = {json.dumps(definition)}", schema)
    assert others.value.problems[0].diagnostic.hint == told.hint


def test_texts_that_have_the_name_of_a_column_are_texts() -> None:
    """Only what stands as a name is taken for one."""
    frame = pd.DataFrame({"id": [1], "e-mail": ["x"], "e": [1], "mail": [2]})
    schema = schema_from(frame, "t", keys={"t": "id"})
    assert members(Segment.define("s", "e-mail < 0", schema), frame).tolist() == [1]
    for text in ('`e-mail` = "e-mail" and contry = 1', "contry = 1 # e-mail"):
        with pytest.raises(DefinitionError, match="unknown attribute 'contry'"):
            Segment.define("s", text, schema)


def test_numbers_of_two_units_are_told_as_such() -> None:
    """Seconds beside milliseconds are no one column of times: the hint says what it takes them for."""
    with pytest.raises(SchemaError, match=r'unit="ms"\)  # if all are counted in "ms"'):
        schema_from(
            _of([NOON_S, NOON_S * 1_000]), "t", keys={"t": "id"}, types={"t": {"x": "timestamp"}}
        )


# -- what a source keeps, and prints ------------------------------------------------------------


def test_objects_are_read_once_as_long_as_they_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source is asked often; a change of the frame between two questions is seen."""
    from segmentkit.pandas import _frames

    column = pd.Series([Decimal("1.50"), Decimal("2.50"), None], dtype=object)
    days = pd.Series([dt.date(2026, 1, 1), None, dt.date(2026, 1, 3)], dtype=object)
    frame = pd.DataFrame({"id": [1, 2, 3], "x": column, "day": days, "n": [1, 2, 3]})
    read: list[str] = []

    def counted(column: Any, attribute: Any, entity: str) -> Any:
        read.append(attribute.name)
        return original(column, attribute, entity)

    original = _frames.read  # type: ignore[attr-defined]
    monkeypatch.setattr(_frames, "read", counted)
    source = Source(frame)
    schema = schema_from(frame, "t", keys={"t": "id"})
    segment = Segment.define("s", "x > 1.5 or day > 2026-01-02 or n > 5", schema)
    for _ in range(3):
        assert source.members(segment).keys.tolist() == [2, 3]
    copies = int(pd.__version__.split(".")[0]) >= 3
    assert [read.count(name) for name in ("x", "day", "n")] == ([1, 1, 3] if copies else [3, 3, 3])
    frame.loc[0, "x"] = Decimal("9.00")
    assert source.members(segment).keys.tolist() == [1, 2, 3]
    frame["x"] = [Decimal("1.00")] * 3
    frame.iloc[2, 2] = dt.date(2025, 1, 1)
    assert source.members(segment).keys.tolist() == []


@pytest.mark.parametrize("dtype", ["int64", "object", "str", "Int64", "int64[pyarrow]", "float64"])
def test_keys_are_checked_again_when_they_change(dtype: str) -> None:
    """A source remembers that they are unique only as long as they stay."""
    keys: Any = pd.Series([3, 1, 2]).astype(dtype)
    frame = pd.DataFrame({"id": keys, "x": [1, 5, 5]})
    source, segment = Source(frame), _define("x > 1", frame)
    for _ in range(2):
        assert source.members(segment).keys.tolist() == keys[1:].tolist()
    frame.loc[0, "id"] = keys[1]
    with pytest.raises(DataError, match="two of them have"):
        source.members(segment)
    frame["id"] = keys
    assert len(source.members(segment)) == 2


def test_reprs_have_sizes_and_names_and_no_people() -> None:
    """What is printed into a log is read by many."""
    frame = pd.DataFrame({"id": [1, 2], "email": ["ada@example.org", "bob@example.org"]})
    schema = schema_from(frame, "t", keys={"t": "id"})
    segment = Segment.define("s", "email is not missing", schema)
    source = Source({"t": frame, "other": frame})
    found = source.evaluate([segment])
    printed = [source, Source(frame), found, found["s"], found.sizes(), schema.left_out]
    text = " ".join(map(repr, printed))
    assert "example.org" not in text
    assert repr(source) == "Source(t 2 × 2, other 2 × 2)"


@pytest.mark.parametrize("name", ["ev.csv", "ev.xlsx", "ev.feather", "ev.json", "ev.CSV"])
def test_a_file_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    """An evaluation is written as Parquet, and no file of another name holds it."""
    found = Source(FRAME).evaluate([SEGMENT])
    with pytest.raises(UsageError, match=r"would be one of \.parquet"):
        found.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    for right in ("ev.parquet", "ev.pq", "EV.PARQUET", "ev"):
        found.save(tmp_path / right)
        assert type(found).load(tmp_path / right)["s"] == found["s"]
    catalog = Catalog.loads('language = 1\n[segments.s]\nwhere = "x > 1"', SCHEMA)
    page = analysis.report(catalog, Source(FRAME), as_of=NOON)
    with pytest.raises(UsageError, match=r"would be one of \.html"):
        page.save(tmp_path / name)


# -- what is written about frames ---------------------------------------------------------------

CHURN = pd.DataFrame(
    {"id": [1, 2, 3], "Churn": ["Yes", "No", "Yes"], "Body Mass (g)": [1, 4501, 2], "a": [1, 2, 3]}
)
LISTED = CHURN.astype({"Churn": "category"})
WRITTEN = [
    (LISTED, "Churn = true", 'it has "No", "Yes"'),
    (LISTED, "Churn in (true, false)", 'it has "No", "Yes"'),
    (LISTED, "Churn != 1", 'it has "No", "Yes"'),
    (LISTED, "Churn", "as in 'Churn = \"No\"'"),
    (CHURN, "Churn = true", "write the text that stands for it in quotes"),
    (CHURN, "Churn in (true)", "write the text that stands for it in quotes"),
    (CHURN, "Churn = 1", 'write it in quotes: "1"'),
    (CHURN, "not Churn", "as in 'Churn = "),
    (CHURN, "Body Mass (g) > 4500", "`Body Mass (g)`"),
    (CHURN, '"Body Mass (g)" > 4500', "without quotes: `Body Mass (g)`"),
    (CHURN, "~(a = 1)", "write 'not'"),
    (CHURN, "a = 1 and ~(a = 2)", "write 'not'"),
    (CHURN, "a = 1 && a = 2", "write 'and'"),
    (CHURN, "(a = 1) | (a = 2)", "write 'or'"),
]


@pytest.mark.parametrize(("frame", "text", "hint"), WRITTEN)
def test_a_hint_about_a_column_leads_to_somebody(frame: pd.DataFrame, text: str, hint: str) -> None:
    """As pandas and its columns are written, and what the column has."""
    with pytest.raises(SegmentkitError) as caught:
        _define(text, frame)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("people.parquet", "give pandas.read_parquet(…) of it"),
        ("people.csv.gz", "give pandas.read_csv(…) of it"),
        (Path("people.xlsx"), "give pandas.read_excel(…) of it"),
        ("people.jsonl", "give pandas.read_json(…, lines=True) of it"),
        (Path("people.CSV"), "give pandas.read_csv(…) of it"),
        ("people", "not 'people'"),
    ],
)
def test_the_name_of_a_file(given: Any, told: str) -> None:
    """It is no frame, and what reads it is named."""
    with pytest.raises(SchemaError, match=re.escape(told)):
        schema_from(given, "people", keys={"people": "id"})


def test_no_time_is_no_instant() -> None:
    """Pandas' NaT is an instance of datetime, and has no instant."""
    frame = pd.DataFrame({"id": [1], "x": [2]})
    with pytest.raises(TypeError, match="as_of must be a datetime or a date, not NaTType"):
        members(_define("x > 1", frame), frame, as_of=pd.NaT)
