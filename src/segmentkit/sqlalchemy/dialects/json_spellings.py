"""How dialects read JSON: templates by the names of constructs, for `dialect`.

``{0}`` is a column of JSON, ``{1}`` the path in it, ``{keys}`` its keys with a comma before each,
and ``{scale}`` the digits after the point that a decimal has. What is of another type than the
wanted one is NULL, and so is what is not there. Of a list, ``{0}``, the test ``{1}`` speaks of each
item, by the name of `ITEM`; ``{items}`` are those to look for, and ``{type}`` is the list's type.

Dialects that are not here look into JSON in a way that nobody has tried; there is no standard one
that tells the types of values.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from segmentkit._record.json_values import CLOCK, DAY, ZONE

ITEM = "segmentkit_item"
"""What an item of a list is called, by the test of it."""
INSTANT = "segmentkit_instant"
"""The name of a function that `prepare` adds to SQLite."""

_DAY = f"^{DAY}$"
_INSTANT = f"^{DAY}[T ]{CLOCK}{ZONE}$"
_OFFSET = "[+-][0-9][0-9]:[0-9][0-9]$"
_ZONED = f"(Z|{_OFFSET[:-1]})$"


def _when(test: str, value: str) -> str:
    return f"CASE WHEN {test} THEN {value} END"


def _sqlite() -> dict[str, str]:
    kind, value = "json_type({0}, {1})", "json_extract({0}, {1})"
    text = _when(f"{kind} = 'text'", value)
    number = f"{kind} IN ('integer', 'real') AND abs({value}) < 9e999"
    digits = "-".join(["[0-9]" * 4, "[0-9]" * 2, "[0-9]" * 2])
    day = f"{kind} = 'text' AND {value} GLOB '{digits}' AND date({value}, '+0 days') = {value}"
    items = f"SELECT value AS {ITEM} FROM json_each({{0}}) WHERE type = 'text'"
    return {
        "JSON_TEXT": text,
        "JSON_BOOLEAN": f"CASE {kind} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
        "JSON_WHOLE": _when(f"{number} AND {value} = CAST({value} AS INTEGER)",
                            f"CAST({value} AS INTEGER)"),
        "JSON_FLOAT": _when(number, f"CAST({value} AS REAL)"),
        "JSON_DECIMAL": _when(number, value),
        "JSON_DATE": _when(f"{day} AND {value} >= '0001'", value),
        "JSON_INSTANT": f"{INSTANT}({text})",
        "JSON_LIST": _when(f"{kind} = 'array'", value),
        "IN_JSON": f"EXISTS (SELECT 1 FROM ({items}) WHERE {{1}})",
        "JSON_SIZE": _when("{0} IS NOT NULL", f"(SELECT count(*) FROM ({items}))"),
    }  # fmt: skip


def _duckdb() -> dict[str, str]:
    kind, text = "json_type({0}, {1})", "json_extract_string({0}, {1})"
    whole, real = f"{kind} IN ('BIGINT', 'UBIGINT')", f"{kind} IN ('DOUBLE', 'HUGEINT', 'UHUGEINT')"
    number = f"({whole} OR {real})"
    is_day = f"{kind} = 'VARCHAR' AND regexp_matches({text}, '{_DAY}')"
    is_instant = f"{kind} = 'VARCHAR' AND regexp_matches({text}, '{_INSTANT}')"
    zone = f"CASE WHEN regexp_matches({text}, '{_ZONED}') THEN '' ELSE 'Z' END"
    item = f"SELECT json_extract_string(item, '$') AS {ITEM}"
    items = f"{item} FROM (SELECT unnest(json_extract({{0}}, '$[*]')) AS item) AS items"
    texts = f"({items} WHERE json_type(item) = 'VARCHAR') AS texts"
    of_texts = "list_filter(json_extract({0}, '$[*]'), lambda item: json_type(item) = 'VARCHAR')"
    as_texts = f"list_transform({of_texts}, lambda item: json_extract_string(item, '$'))"
    unnested = f"(SELECT unnest({{0}}) AS {ITEM}) AS items"
    double = f"TRY_CAST({text} AS DOUBLE)"
    return {
        "JSON_TEXT": _when(f"{kind} = 'VARCHAR'", text),
        "JSON_BOOLEAN": _when(f"{kind} = 'BOOLEAN'", f"CAST({text} AS BOOLEAN)"),
        "JSON_WHOLE": f"CASE WHEN {whole} THEN TRY_CAST({text} AS BIGINT) "
        f"WHEN {real} AND {double} = trunc({double}) THEN TRY_CAST({double} AS BIGINT) END",
        "JSON_FLOAT": _when(number, double),
        "JSON_DECIMAL": _when(number, f"TRY_CAST({text} AS DECIMAL(38, {{scale}}))"),
        "JSON_DATE": _when(is_day, f"TRY_CAST({text} AS DATE)"),
        "JSON_INSTANT": _when(is_instant,
                              f"(TRY_CAST({text} || {zone} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"),
        "JSON_LIST": _when(f"{kind} = 'ARRAY'", "json_extract({0}, {1})"),
        # Its correlated sub-queries are slower, and beside a join with what it knows to be empty
        # they end in an error of its own. But a list too long to be written out is a sub-query,
        # which a lambda cannot have.
        "IN_JSON": f"(len(list_filter({as_texts}, lambda {ITEM}: {{1}})) > 0)",
        "MANY_IN_JSON": f"EXISTS (SELECT 1 FROM {texts} WHERE {{1}})",
        "JSON_SIZE": f"len({of_texts})",
        "ARRAY_SIZE": f"len(list_filter({{0}}, lambda {ITEM}: {ITEM} IS NOT NULL))",
        "HAS_ANY": "list_has_any({0}, [{items}])",
        "IN_ARRAY": f"(len(list_filter({{0}}, lambda {ITEM}: {{1}})) > 0)",
        "MANY_IN_ARRAY": f"EXISTS (SELECT 1 FROM {unnested} WHERE {{1}})",
    }  # fmt: skip


def _postgresql() -> dict[str, str]:
    found = "CAST({0} AS JSONB), CAST('strict ' || {1} AS JSONPATH), '{{}}', true"
    value = f"jsonb_path_query_first({found})"
    kind, text, number = (
        f"jsonb_typeof({value})",
        f"({value} #>> '{{{{}}}}')",
        f"CAST({value} AS NUMERIC)",
    )
    # What would be out of range is not cast.
    whole = f"{number} = trunc({number}) AND {number} BETWEEN -{2**63} AND {2**63 - 1}"
    day = (
        f"jsonb_path_query_first(to_jsonb(substr({text}, 1, 10)), '$.datetime(\"YYYY-MM-DD\")', "
        "'{{}}', true)"
    )
    is_day = f"{kind} = 'string' AND {text} ~ '{_DAY}'"
    is_instant = f"{kind} = 'string' AND {text} ~ '{_INSTANT}'"
    zone = f"CASE WHEN {text} ~ '{_ZONED}' THEN '' ELSE 'Z' END"
    items = "jsonb_array_elements({0}) AS items(item) WHERE jsonb_typeof(item) = 'string'"
    texts = f"(SELECT item #>> '{{{{}}}}' AS {ITEM} FROM {items}) AS texts"
    return {
        "JSON_TEXT": _when(f"{kind} = 'string'", text),
        "JSON_BOOLEAN": _when(f"{kind} = 'boolean'", f"CAST({value} AS BOOLEAN)"),
        "JSON_WHOLE": _when(f"{kind} = 'number'", _when(whole, f"CAST({number} AS BIGINT)")),
        "JSON_FLOAT": _when(f"{kind} = 'number'", _when(f"abs({number}) < 1.797693134862315807e308",
                                                        f"CAST({number} AS DOUBLE PRECISION)")),
        "JSON_DECIMAL": _when(f"{kind} = 'number'", number),
        "JSON_DATE": _when(is_day, f"CAST({day} #>> '{{{{}}}}' AS DATE)"),
        "JSON_INSTANT": _when(is_instant, _when(
            f"{day} IS NOT NULL",
            f"(CAST({text} || {zone} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC')",
        )),
        "JSON_LIST": _when(f"{kind} = 'array'", value),
        "IN_JSON": f"EXISTS (SELECT 1 FROM {texts} WHERE {{1}})",
        "JSON_SIZE": _when("{0} IS NOT NULL", f"(SELECT count(*) FROM {texts})"),
        "ARRAY_SIZE": "cardinality(array_remove({0}, NULL))",
        # An index of the kind GIN serves this.
        "HAS_ANY": "({0} && CAST(ARRAY[{items}] AS {type}))",
        "IN_ARRAY": f"EXISTS (SELECT 1 FROM unnest({{0}}) AS items({ITEM}) WHERE {{1}})",
    }  # fmt: skip


def _mysql() -> dict[str, str]:
    value = "JSON_EXTRACT({0}, {1})"
    kind, text = f"JSON_TYPE({value})", f"JSON_UNQUOTE({value})"
    number = f"{kind} IN ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL')"
    double = f"CAST({text} AS DOUBLE)"
    whole = f"CAST({double} AS DECIMAL(65, 0))"
    is_day = f"{kind} = 'STRING' AND {text} REGEXP '{_DAY}'"
    is_instant = f"{kind} = 'STRING' AND {text} REGEXP '{_INSTANT}'"
    clock = f"CAST(REGEXP_REPLACE({text}, '{_ZONED}', '') AS DATETIME(6))"
    away = f"CASE WHEN {text} REGEXP '{_OFFSET}' THEN replace(right({text}, 6), '+', '') ELSE '00:00' END"
    table = f"JSON_TABLE({{0}}, '$[*]' COLUMNS ({ITEM} LONGTEXT PATH '$', place FOR ORDINALITY))"
    is_text = "JSON_TYPE(JSON_EXTRACT({0}, concat('$[', place - 1, ']'))) = 'STRING'"
    return {
        "JSON_TEXT": _when(f"{kind} = 'STRING'", text),
        "JSON_BOOLEAN": _when(f"{kind} = 'BOOLEAN'", f"{text} = 'true'"),
        # Floats have no room for all whole numbers.
        "JSON_WHOLE": f"CASE WHEN {kind} = 'INTEGER' AND {text} = CAST({text} AS SIGNED) "
        f"THEN CAST({text} AS SIGNED) WHEN {number} AND {double} = {whole} "
        f"AND abs({double}) < {2**63} THEN CAST({whole} AS SIGNED) END",
        "JSON_FLOAT": _when(number, double),
        "JSON_DECIMAL": _when(number, f"CAST({text} AS DECIMAL(38, {{scale}}))"),
        "JSON_DATE": _when(is_day, f"CAST({text} AS DATE)"),
        "JSON_INSTANT": _when(is_instant, f"subtime({clock}, {away})"),
        "JSON_LIST": _when(f"{kind} = 'ARRAY'", value),
        "IN_JSON": f"EXISTS (SELECT 1 FROM {table} AS items WHERE {is_text} AND {{1}})",
        "JSON_SIZE": _when(
            "{0} IS NOT NULL", f"(SELECT count(*) FROM {table} AS items WHERE {is_text})"
        ),
    }


def _clickhouse() -> dict[str, str]:
    kind, text = "JSONType({0}{keys})", "JSONExtractString({0}{keys})"
    raw, double = "JSONExtractRaw({0}{keys})", "JSONExtractFloat({0}{keys})"
    number = f"{kind} IN ('Int64', 'UInt64', 'Double')"
    is_day = f"{kind} = 'String' AND match({text}, '{_DAY}')"
    is_instant = f"{kind} = 'String' AND match({text}, '{_INSTANT}')"
    day = f"toDate32OrNull(substring({text}, 1, 10))"
    valid = f"toString({day}) = substring({text}, 1, 10)"
    texts = "arrayFilter(item -> JSONType(item) = 'String', JSONExtractArrayRaw(ifNull({0}, '[]')))"
    items = f"arrayMap(item -> JSONExtractString(item), {texts})"
    return {
        "JSON_TEXT": _when(f"{kind} = 'String'", text),
        "JSON_BOOLEAN": _when(f"{kind} = 'Bool'", "JSONExtractBool({0}{keys})"),
        "JSON_WHOLE": f"CASE WHEN {kind} = 'Double' THEN accurateCastOrNull({double}, 'Int64') "
        f"WHEN {number} THEN accurateCastOrNull(toInt128OrNull({raw}), 'Int64') END",
        "JSON_FLOAT": _when(number, double),
        "JSON_DECIMAL": _when(number, f"toDecimal256OrNull({raw}, {{scale}})"),
        "JSON_DATE": _when(is_day, _when(valid, day)),
        "JSON_INSTANT": _when(
            is_instant, _when(valid, f"parseDateTime64BestEffortOrNull({text}, 6, 'UTC')")
        ),
        "JSON_LIST": _when(f"{kind} = 'Array'", raw),
        "IN_JSON": f"arrayExists({ITEM} -> {{1}}, {items})",
        "JSON_SIZE": _when("{0} IS NOT NULL", f"toInt64(length({texts}))"),
        "ARRAY_SIZE": f"toInt64(length(arrayFilter({ITEM} -> {ITEM} IS NOT NULL, {{0}})))",
        "HAS_ANY": "hasAny({0}, [{items}])",
        "IN_ARRAY": f"arrayExists({ITEM} -> ifNull({{1}}, false), {{0}})",
    }


def _however_many(words: dict[str, str]) -> dict[str, str]:
    """The words, where an item is looked for among many texts as among few."""
    many = {f"MANY_{name}": words[name] for name in ("IN_JSON", "IN_ARRAY") if name in words}
    return many | words


WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "sqlite": _however_many(_sqlite()),
        "duckdb": _duckdb(),
        "postgresql": _however_many(_postgresql()),
        "mariadb": _however_many(_mysql()),
        "mysql": _however_many(_mysql()),
        "chdb": _however_many(_clickhouse()),
        "clickhousedb": _however_many(_clickhouse()),
        # NULL in a list makes NULL of no. Sail has no functions of items where it reads files.
        "spark": {
            "HAS_ANY": "coalesce(arrays_overlap({0}, array({items})), false)",
            "ARRAY_SIZE": _when("{0} IS NOT NULL", "size(array_compact({0}))"),
        },
    }
)
"""The templates of each dialect that looks into JSON, or into arrays."""
