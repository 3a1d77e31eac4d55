"""The dialects of SQL: how each spells things and what it cannot compute, one row for each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

import sqlalchemy as sa
from attrs import evolve

from segmentkit.sqlalchemy.dialects.constructs import CASEFOLD, SENT_DIGITS, Construct, Dialect
from segmentkit.sqlalchemy.dialects.function_spellings import SPLIT_BY_INDEX, version_by
from segmentkit.sqlalchemy.dialects.json_spellings import WORDS
from segmentkit.sqlalchemy.dialects.shapes import Ends, Length, Sequences, Shapes

_SUBSTR_FROM_END = "substr({0}, -{1})"
_NULLIF_NAN = "nullif({0}, 'NaN')"
_NULLIF_CAST_NAN = "nullif({0}, CAST('NaN' AS {type}))"
# Where NaN differs from itself, as IEEE 754 says.
_UNLESS_NAN = "CASE WHEN is_nan({0}) THEN NULL ELSE {0} END"
# There is no cast to a float; a sum with one is.
_PLUS_FLOAT = "({0} + 0e0)"
_IN_UTC = "timezone('UTC', {0})"


def _listed(keys: str) -> dict[Construct, str | None]:
    """Membership among the rows of a query that reads the keys out of one parameter."""
    return {
        Construct.LISTED: f"{{1}} IN ({keys})",
        Construct.NOT_LISTED: f"{{1}} NOT IN ({keys})",
    }


_JSON_TABLE = "SELECT k FROM JSON_TABLE({2}, '$[*]' COLUMNS (k {type} PATH '$')) AS keys_1"
_OF_MYSQL: Mapping[Construct, str | None] = {
    # Its floats have no infinity.
    Construct.INFINITE: None,
    Construct.SECONDS_LATER: "timestampadd(SECOND, {1}, {0})",
    Construct.DAYS_LATER: "timestampadd(DAY, {1}, {0})",
    Construct.QUOTIENT: "({0} DIV {1})",
    **_listed(_JSON_TABLE),
}
_PACKET = Length(1 << 24, "max_allowed_packet", "SELECT @@max_allowed_packet")
_AS_SIGNED = "CAST({0} AS SIGNED)"
_TEXT_OF_UTC = "CAST(concat(CAST({0} AS STRING), 'Z') AS TIMESTAMP)"
_AT_UTC = "({0} AT TIME ZONE 'UTC')"
_DECIMAL = "CAST({0} AS DECIMAL(20, 0))"
# "bin" alone does not do: all but a few collations take no notice of spaces at the end.
_BY_CODE_POINT = "CONVERT({0} USING utf8mb4) COLLATE utf8mb4_nopad_bin"
_BY_CODE_POINT_OF_MYSQL = "CONVERT({0} USING utf8mb4) COLLATE utf8mb4_0900_bin"
_TOO_MANY_STEPS = (
    "(SELECT n FROM (SELECT 1 AS n UNION ALL SELECT 2) AS too_many_steps_for_a_pattern"
    " WHERE {0} IS NOT NULL)"
)
_BINARY_2 = " COLLATE Latin1_General_100_BIN2"
# There are no boolean literals.
_NO_BOOLEANS = {
    Construct.EVERYONE: "1 = 1",
    Construct.NOBODY: "1 = 0",
    Construct.FLAG: "CASE WHEN {0} THEN 1 ELSE 0 END",
    Construct.IS_FLAGGED: "{0} = 1",
}
# A sub-query is a value only if it aggregates; a key finds one row, so any is the one.
_AGGREGATED = {Construct.ONLY_ROW: "any_value({0})"}

_FOLDS_BY_LOWER = (
    "`ignoring case` is `lower()`, which differs from case folding in a few letters, such as `ß`."
)

_CLICKHOUSE: Mapping[Construct, str | None] = {
    # The functions without "UTF8" count bytes.
    Construct.POSITION: "positionUTF8({0}, {1})",
    Construct.BEGINNING: "substringUTF8({0}, 1, {1})",
    Construct.ENDING: "rightUTF8({0}, {1})",
    # Its folding, as Unicode's, makes Cherokee letters large.
    Construct.FOLDED: "lowerUTF8(caseFoldUTF8({0}))",
    # A cast to a type loses NULL, or fails of it.
    Construct.AS_FLOAT: "toFloat64({0})",
    # Counts have no sign there: their type and that of other numbers meet in one for 128 bits.
    Construct.SIGNED: "toInt64({0})",
    # NaN equals nothing there, itself neither.
    # Its IN tells minus zero from zero, and the sum is never minus zero.
    Construct.NAN_AS_NULL: "CASE WHEN isNaN({0}) THEN NULL ELSE {0} + 0 END",
    Construct.ZERO_AS_ONE: "({0} + 0e0)",
    Construct.FIRST_INSTANT: "toDateTime64({0}, 6, 'UTC')",
    Construct.SECONDS_LATER: "addSeconds({0}, {1})",
    Construct.DAYS_LATER: "addDays({0}, {1})",
    # IN does not take the correlated sub-query itself.
    Construct.LOOKED_UP: "toNullable({0})",
    # Otherwise the greatest number of nobody is 0.
    Construct.OF_SOME: "toNullable({0})",
    # Drivers send whole seconds since 1970, and decimals as floats.
    Construct.SENT_INSTANT: "toDateTime64({0}, 6, 'UTC')",
    Construct.SENT_DATE: "toDate32({0})",
    Construct.SENT_DECIMAL: f"toDecimal256({{0}}, {SENT_DIGITS})",
    Construct.IN_UTC: "toTimeZone({0}, 'UTC')",
    Construct.QUOTIENT: "intDiv({0}, {1})",
}
_BY_ARRAY = "arrayMap({name} -> {0}, [{1}])[1]"
_QUERY_SIZE = Length(1 << 18, "max_query_size", "SELECT getSetting('max_query_size')")
_TOO_COMPLEX = {
    "AST is too big": "raise max_ast_elements",
    "AST is too deep": "raise max_ast_depth",
    "Maximum parse depth": "raise max_parser_depth",
}
# Otherwise whatever is not there is 0 or the empty text.
_NULL_IS_NULL = "SETTINGS join_use_nulls = 1"


_ROWS = (
    Dialect(
        "sqlite",
        "SQLite",
        run=True,
        spellings={
            **_NO_BOOLEANS,
            Construct.POSITION: "instr({0}, {1})",
            Construct.ENDING: _SUBSTR_FROM_END,
            # Its own lower() knows ASCII only.
            Construct.FOLDED: CASEFOLD + "({0})",
            Construct.AMONG: "{1} IN (SELECT value FROM json_each({2}))",
            Construct.NOT_AMONG: "{1} NOT IN (SELECT value FROM json_each({2}))",
            # Decimals are floats there.
            Construct.EXACT: "round({0}, {1})",
            # In SQLAlchemy's form, as nearly all are already.
            Construct.CLOCK: "CASE WHEN {0} GLOB '?????????? ???????????????' THEN {0} "
            "WHEN length({0}) = 16 THEN replace({0}, 'T', ' ') || ':00.000000' "
            "WHEN length({0}) < 20 THEN replace({0}, 'T', ' ') || '.000000' "
            "ELSE substr(replace({0}, 'T', ' ') || '000000', 1, 26) END",
            Construct.SPACED: "replace({0}, 'T', ' ')",
            # To look for the letter takes a tenth of the time that replace() takes.
            Construct.IN_ORDER: "CASE WHEN {0} GLOB '*T*' THEN replace({0}, 'T', ' ') ELSE {0} END",
            Construct.IN_FULL: "CASE WHEN length({0}) = 26 THEN {0} "
            "ELSE substr({0} || substr(':00.000000', length({0}) - 15), 1, 26) END",
            # Otherwise it reads what is joined once for each on the list, whatever that takes, and
            # groups rows in the order of an index, looking each up.
            Construct.PROBED: "+{0}",
            # Instants are text there, in the form that SQLAlchemy writes.
            Construct.FIRST_INSTANT: "({0} || ' 00:00:00.000000')",
            # Its functions of time know milliseconds at most, and round: they get whole seconds.
            # In the form that the time has, so that it can be compared with others of its column.
            # strftime() takes three times as long as datetime().
            Construct.SECONDS_LATER: "(replace(datetime(substr({0}, 1, 19), {1} || ' seconds'), "
            "' ', substr({0}, 11, 1)) || substr({0}, 20))",
            Construct.DAYS_LATER: "date({0}, {1} || ' days')",
            **_listed("SELECT value FROM json_each({2})"),
        },
        parameters=32_766,
        too_complex={
            "parser stack overflow": "use SQLite 3.46 or newer",
            "Expression tree is too large": "raise SQLITE_LIMIT_EXPR_DEPTH",
        },
        # Without it, what a column is made of is put where the column stands.
        after_columns="LIMIT -1 OFFSET 0",
        naming="(SELECT {0} FROM (SELECT {1} AS {name}))",
        named_from=200,
        # It makes an index of rows with a name, and of a table none. It would look up whose each
        # row is.
        shapes=Shapes(Sequences.NAMED, Ends.PAIRED, listed=True),
        shapes_since=(3, 35),
        notes=(
            "`ignoring case`, `matches` and `version` need `prepare(engine)`.",
            "Decimals are stored as floats; sums and arithmetic are rounded to the declared scale.",
            "`starts with` and `ends with` are not exact on stored texts that contain a NUL.",
        ),
    ),
    Dialect(
        "duckdb",
        "DuckDB",
        arrow=True,
        package="duckdb-sqlalchemy",
        run=True,
        spellings={
            Construct.ZONED: _AT_UTC,
            # A fifth of the time of a CASE.
            Construct.TALLY: "count_if({0})",
            Construct.POSITION: "instr({0}, {1})",
            Construct.AMONG: "{1} IN (SELECT unnest({2}))",
            Construct.NOT_AMONG: "{1} NOT IN (SELECT unnest({2}))",
            Construct.NAN_AS_NULL: _NULLIF_NAN,
            Construct.SECONDS_LATER: "({0} + to_seconds({1}))",
            Construct.DAYS_LATER: "({0} + CAST({1} AS INTEGER))",
            # Its lists as parameters are slower.
            **_listed("SELECT unnest(from_json({2}, '[\"{type}\"]'))"),
            Construct.IN_UTC: _IN_UTC,
            Construct.QUOTIENT: "({0} // {1})",
        },
        rare_letters="regexp_matches({0}, '{1}')",
        too_complex={"max_expression_depth": "raise max_expression_depth"},
        naming="list_transform([{1}], lambda {name}: {0})[1]",
        translates=True,
        arrays=True,
    ),
    Dialect(
        "postgresql",
        "PostgreSQL",
        run=True,
        spellings={
            Construct.ZONED: _AT_UTC,
            # The cast, for types that ignore case in their own way; the collation, for columns
            # and databases whose own one knows ASCII only.
            Construct.LETTERS: "CAST({0} AS TEXT) COLLATE {letters}",
            Construct.AMONG: "{1} = ANY ({2})",
            Construct.NOT_AMONG: "{1} <> ALL ({2})",
            Construct.NAN_AS_NULL: _NULLIF_NAN,
            Construct.DAYS_LATER: "({0} + CAST({1} AS INTEGER))",
            # Unlike IN and NOT IN of a sub-query, these are hashed however many keys there are.
            Construct.LISTED: "{1} = ANY ({2})",
            Construct.NOT_LISTED: "{1} <> ALL ({2})",
            # It joins these. Of NOT IN it compares each key with all where they are too many for
            # the memory that it may use; so it does with IN that stands beside alternatives.
            Construct.ABSENT: "(NOT EXISTS (SELECT 1 FROM {1} AS segmentkit_keys (owner)"
            " WHERE segmentkit_keys.owner = {0}))",
            Construct.IN_UTC: _IN_UTC,
        },
        rare_letters="{0} ~ '{1}'",
        translates=True,
        arrays=True,
        # Otherwise columns are computed wherever they stand.
        after_columns="OFFSET 0",
        # So it is for names.
        naming="(SELECT {0} FROM (SELECT {1} AS {name} OFFSET 0) AS segmentkit_value)",
        nul=False,
        parameters=65_535,
        # Joins in the user's query may leave few rows to look up. Of a predicate it knows the one
        # key that the query is of, by which it finds the rows that are grouped.
        shapes=Shapes(Sequences.NAMED_CHAINS, joined=True, unsorted=True),
        predicate_shapes=Shapes(joined=True),
        notes=("`prepare(engine)` finds the collation that `ignoring case` needs.",),
        collations=("default", "und-x-icu", "pg_c_utf8", "C.utf8", "en_US.utf8"),
    ),
    Dialect(
        "mariadb",
        "MariaDB",
        run=True,
        family="mysql",
        spellings={
            # What is small depends on the collation, and so would what replace() finds.
            Construct.LETTERS: "CONVERT({0} USING utf8mb4) COLLATE utf8mb4_uca1400_as_cs",
            Construct.FOLDED: "lower({0}) COLLATE utf8mb4_nopad_bin",
            Construct.POSITION: f"locate({{1}}, {_BY_CODE_POINT})",
            Construct.EXACT_TEXT: _BY_CODE_POINT,
            # Where a match takes too many steps it is a no, with a warning: then the complement is
            # no as well, and a sub-query of two rows is an error.
            Construct.MATCHES: f"({_BY_CODE_POINT} REGEXP {{1}}"
            f" OR {_BY_CODE_POINT} NOT REGEXP {{4}} AND {_TOO_MANY_STEPS})",
            Construct.VERSION: version_by(
                "regexp_replace({}, {}, {})", 3, _BY_CODE_POINT, split=SPLIT_BY_INDEX
            ),
            # Numbers without a sign have nothing below zero.
            Construct.WHOLE: _AS_SIGNED,
            Construct.AS_FLOAT: _PLUS_FLOAT,
            # By an index on it, which each foreign key has, each row would be looked up.
            Construct.OWNER: "coalesce({0})",
            **_OF_MYSQL,
        },
        # It looks nothing up by hashes in a correlated sub-query or a semi-join, and makes what is
        # joined to rows with a rank once for each of them.
        shapes=Shapes(Sequences.SORTED, Ends.PAIRED, apart=True),
        rare_letters="{0} COLLATE utf8mb4_nopad_bin REGEXP '{1}'",
        length=_PACKET,
        too_complex={"Thread stack overrun": "raise thread_stack"},
        exact_collations=("utf8mb4_nopad_bin",),
        notes=(
            "Text is compared by code point, whatever the collation; an index on it is used.",
            "A text for which a pattern takes more steps than the server allows is an error "
            "(`Subquery returns more than 1 row`, of `too_many_steps_for_a_pattern`).",
        ),
    ),
    Dialect(
        "mysql",
        "MySQL",
        spellings={
            Construct.POSITION: f"locate({{1}}, {_BY_CODE_POINT_OF_MYSQL})",
            Construct.EXACT_TEXT: _BY_CODE_POINT_OF_MYSQL,
            Construct.MATCHES: f"regexp_like({_BY_CODE_POINT_OF_MYSQL}, {{1}}, 'c')",
            Construct.VERSION: version_by(
                "regexp_replace({}, {}, {}, 1, 0, 'c')",
                4,
                _BY_CODE_POINT_OF_MYSQL,
                split=SPLIT_BY_INDEX,
            ),
            Construct.WHOLE: _AS_SIGNED,
            Construct.AS_FLOAT: _PLUS_FLOAT,
            **_OF_MYSQL,
        },
        length=_PACKET,
        exact_collations=("utf8mb4_0900_bin",),
        notes=(
            "Text is compared by code point, whatever the collation; an index on it is used.",
            _FOLDS_BY_LOWER,
        ),
    ),
    Dialect(
        "chdb",
        "ClickHouse",
        run=True,
        family="clickhouse",
        spellings=_CLICKHOUSE,
        length=_QUERY_SIZE,
        too_complex=_TOO_COMPLEX,
        after_outer_joins=_NULL_IS_NULL,
        naming=_BY_ARRAY,
    ),
    Dialect(
        "clickhousedb",
        "ClickHouse server",
        family="clickhouse",
        spellings=_CLICKHOUSE,
        length=_QUERY_SIZE,
        too_complex=_TOO_COMPLEX,
        after_outer_joins=_NULL_IS_NULL,
        naming=_BY_ARRAY,
    ),
    Dialect(
        "mssql",
        "SQL Server",
        spellings={
            Construct.ZONED: _AT_UTC,
            **_NO_BOOLEANS,
            Construct.POSITION: f"charindex({{1}}, {{0}}{_BINARY_2})",
            Construct.BEGINNING: "left({0}, {1})",
            Construct.SECONDS_LATER: "dateadd(second, {1}, {0})",
            Construct.DAYS_LATER: "dateadd(day, {1}, {0})",
            Construct.EXACT_TEXT: "{0}" + _BINARY_2,
            # DATETIME, SQLAlchemy's word, has steps of 3 ms and begins in 1753.
            Construct.FIRST_INSTANT: "CAST({0} AS DATETIME2)",
            **_listed("SELECT value FROM OPENJSON({2})"),
        },
        parameters=2_100,
        exact_collations=("Latin1_General_100_BIN2",),
        notes=(
            "Text is compared in `Latin1_General_100_BIN2`, and blanks at its end do not count: "
            '`"a"` and `"a "` are the same there. Characters beyond the basic plane count as two.',
            "Keep instants in `DATETIME2` columns: `DATETIME` rounds to 3 ms.",
            _FOLDS_BY_LOWER,
        ),
    ),
    Dialect(
        "spark",
        "Spark SQL",
        run=True,
        spellings={
            # Java's and Rust's lower() makes another letter of it at the end of a word.
            Construct.LETTERS: "replace({0}, 'Σ', 'σ')",
            # Sail takes columns for one another whose conditions differ in brackets alone.
            Construct.TALLY: "count(CASE WHEN {0} THEN {1} END)",
            # Sail divides nothing by zero too.
            Construct.DIVISOR: "nullif({0}, 0)",
            # A cast to it would be in the session's zone.
            Construct.IN_UTC: (
                "(TIMESTAMP_NTZ '1970-01-01 00:00:00'"
                " + unix_micros({0}) * INTERVAL '0.000001' SECOND)"
            ),
            Construct.QUOTIENT: "({0} DIV {1})",
            # NaN equals NaN there. Sail's IN and its ranks tell minus zero from zero, and the sum
            # is never minus zero.
            Construct.NAN_AS_NULL: "nullif({0} + 0D, double('NaN'))",
            Construct.ZERO_AS_ONE: "({0} + 0D)",
            # Sail's integers wrap around. A decimal holds what they are computed to, with room for
            # digits after the point of what it is compared with: Spark rounds beyond 38 digits.
            Construct.WHOLE: _DECIMAL,
            Construct.ADDEND: _DECIMAL,
            # A cast between the two would be in the session's zone.
            Construct.ZONED: _TEXT_OF_UTC,
            Construct.DAYS_LATER: "date_add({0}, {1})",
            **_AGGREGATED,
        },
        rare_letters="{0} RLIKE '{1}'",
        translates=True,
    ),
    Dialect(
        "oracle",
        "Oracle",
        spellings={
            Construct.ZONED: "FROM_TZ({0}, 'UTC')",
            **_NO_BOOLEANS,
            Construct.POSITION: "instr({0}, {1})",
            Construct.ENDING: _SUBSTR_FROM_END,
            Construct.SECONDS_LATER: "({0} + numtodsinterval({1}, 'SECOND'))",
            Construct.QUOTIENT: "trunc({0} / {1})",
            # DOUBLE PRECISION is a decimal number there.
            Construct.AS_FLOAT: "CAST({0} AS BINARY_DOUBLE)",
            Construct.NAN_AS_NULL: "CASE WHEN {0} IS NAN THEN NULL ELSE {0} END",
            # DATE, SQLAlchemy's word, has no fractions of seconds.
            Construct.FIRST_INSTANT: "CAST({0} AS TIMESTAMP)",
            # It is NULL there.
            Construct.EMPTY_TEXT: None,
        },
        notes=(
            "The empty text is NULL, so a stored one counts as missing.",
            _FOLDS_BY_LOWER,
        ),
    ),
    Dialect(
        "snowflake",
        "Snowflake",
        package="snowflake-sqlalchemy",
        spellings={
            Construct.SECONDS_LATER: "dateadd(second, {1}, {0})",
            Construct.DAYS_LATER: "dateadd(day, {1}, {0})",
            Construct.ZONED: None,
            **_AGGREGATED,
            Construct.NAN_AS_NULL: _NULLIF_CAST_NAN,
        },
        notes=(_FOLDS_BY_LOWER,),
    ),
    Dialect(
        "bigquery",
        "BigQuery",
        package="sqlalchemy-bigquery",
        spellings={
            Construct.SECONDS_LATER: "datetime_add({0}, INTERVAL {1} SECOND)",
            Construct.DAYS_LATER: "date_add({0}, INTERVAL {1} DAY)",
            Construct.ZONED: "TIMESTAMP({0})",
            **_AGGREGATED,
            Construct.POSITION: "strpos({0}, {1})",
            Construct.NAN_AS_NULL: _UNLESS_NAN,
        },
        notes=(_FOLDS_BY_LOWER,),
    ),
    Dialect(
        "trino",
        "Trino",
        package="trino",
        spellings={
            Construct.SECONDS_LATER: "date_add('second', {1}, {0})",
            Construct.DAYS_LATER: "date_add('day', {1}, {0})",
            Construct.ZONED: "with_timezone({0}, 'UTC')",
            Construct.ENDING: _SUBSTR_FROM_END,
            Construct.NAN_AS_NULL: _UNLESS_NAN,
        },
        notes=(_FOLDS_BY_LOWER,),
    ),
    Dialect(
        "databricks",
        "Databricks",
        package="databricks-sqlalchemy",
        spellings={
            Construct.SECONDS_LATER: "timestampadd(SECOND, {1}, {0})",
            Construct.DAYS_LATER: "date_add({0}, {1})",
            **_AGGREGATED,
            Construct.NAN_AS_NULL: _NULLIF_CAST_NAN,
            Construct.ZONED: _TEXT_OF_UTC,
        },
        notes=(
            "The session's time zone must be UTC: instants are sent to it with a zone.",
            _FOLDS_BY_LOWER,
        ),
    ),
    Dialect(
        "redshift",
        "Redshift",
        package="sqlalchemy-redshift",
        spellings={
            Construct.SECONDS_LATER: "dateadd(second, {1}, {0})",
            Construct.DAYS_LATER: "dateadd(day, {1}, {0})",
            Construct.ZONED: _AT_UTC,
            Construct.NAN_AS_NULL: _NULLIF_CAST_NAN,
        },
        notes=(_FOLDS_BY_LOWER,),
    ),
)


def _with_json(row: Dialect) -> Dialect:
    words = {Construct[name]: word for name, word in WORDS.get(row.name, {}).items()}
    return evolve(row, spellings={**row.spellings, **words})


DIALECTS: Mapping[str, Dialect] = MappingProxyType({r.name: _with_json(r) for r in _ROWS})


def dialect_of(spoken: sa.Dialect) -> Dialect:
    """The row of a dialect; one that is not in the table is taken to speak the standard."""
    # MariaDB may be reached by the name of MySQL, and tells who it is when it is connected.
    name = "mariadb" if getattr(spoken, "is_mariadb", False) else spoken.name
    return DIALECTS.get(name) or Dialect(name, name)


def shapes_of(spoken: sa.Dialect, *, predicate: bool = False) -> Shapes:
    """How rows in order are asked for; a version that is not known is taken for a new one."""
    row = dialect_of(spoken)
    version = getattr(spoken, "server_version_info", None)
    if version and version < row.shapes_since:
        return Shapes()
    return row.predicate_shapes if predicate else row.shapes


def is_columnar(spoken: sa.Dialect) -> bool:
    """Whether answers come in columns of Arrow."""
    return dialect_of(spoken).arrow and find_spec("pyarrow") is not None
