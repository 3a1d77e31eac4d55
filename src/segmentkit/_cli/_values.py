"""Values of options: an instant, values of parameters."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import click

from segmentkit._calendar import in_zone, shown
from segmentkit._checking.binding import Given
from segmentkit._cli._errors import Failure
from segmentkit._definition import AsOf, instant_of
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._diagnostics.languages import dated
from segmentkit.catalog import Catalog
from segmentkit.dtypes import INTEGER, DType, ParameterType
from segmentkit.errors import DefinitionError
from segmentkit.schema import Schema
from segmentkit.segment import Segment

LeftOut = dict[str, str]
"""The names of segments that are left out, and why each is."""
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def parse_instant(text: str) -> datetime | date:
    """Read a day or an instant.

    Raises:
        ValueError: The text is neither.

    Example:
        >>> parse_instant("2018-01-01")
        datetime.date(2018, 1, 1)
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _instant(ctx: click.Context, param: click.Parameter, text: str | None) -> AsOf:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not an instant; write a day such as 2018-01-01, or a time such as "
            "2018-01-01T12:00, 2018-01-01T12:00Z or 2018-01-01T12:00+02:00"
        ) from None


def _pairs(
    ctx: click.Context, param: click.Parameter, texts: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE")
        pairs.append((name.strip().removeprefix(":"), value))
    return tuple(pairs)


def instant_option(default: str) -> Decorator:
    """The option ``--as-of``; what it is without it is said in the help."""
    return click.option(
        "--as-of",
        metavar="INSTANT",
        callback=_instant,
        help="The instant to ask about, such as 2018-01-01 or 2018-01-01T12:00Z. By default "
        f"{default}. A time without a zone is in the schema's zone.",
    )


as_of_option = instant_option("now")

set_option: Decorator = click.option(
    "--set",
    "pairs",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="Give a parameter a value. Can be repeated.",
)


def now_if_none(as_of: AsOf) -> AsOf:
    """One instant for everything that a command asks."""
    return datetime.now(UTC) if as_of is None else as_of


def shown_instant(as_of: AsOf, schema: Schema) -> str:
    """The instant as a clock in the schema's zone shows it."""
    return dated(shown(in_zone(instant_of(as_of, schema), schema.zone)))


def bound(catalog: Catalog, pairs: Iterable[tuple[str, str]]) -> Catalog:
    """The catalog with the values of ``--set``.

    Raises:
        Failure: A name is unknown, or a value is not of the parameter's type.
    """
    types = catalog.parameter_types
    values = {name: _value(name, text, types) for name, text in pairs}
    try:
        return catalog.bind(**values) if values else catalog
    except DefinitionError as error:
        found = error.diagnostics[0]
        raise Failure(f"--set: {found.message}") from None


def chosen(
    catalog: Catalog, names: Iterable[str], file: str, left_out: LeftOut | None = None
) -> dict[str, Segment]:
    """Segments by their names, ready to be asked; all of them if no name is given.

    Args:
        catalog: The catalog.
        names: The names.
        file: What the file of the catalog is called.
        left_out: Is given the segments that cannot be asked, and why; by default they are errors.

    Raises:
        Failure: There is no such segment, or it has a parameter without a value.
    """
    segments: dict[str, Segment] = {}
    for name in names or catalog:
        if left_out is not None and name in catalog.broken:
            continue
        if name not in catalog:
            hint = did_you_mean(name, catalog)
            raise Failure(f"no segment {name!r} in {file}" + (f"; {hint}" if hint else ""))
        segments[name] = catalog[name]
        if missing := list(catalog[name].parameters):
            why = f"has no value for :{', :'.join(missing)}; give one with --set {missing[0]}=…"
            if left_out is None:
                raise Failure(f"segment {name!r} {why}")
            left_out[name] = why
            del segments[name]
    return segments


def the_one(catalog: Catalog, names: Iterable[str], file: str) -> tuple[str, Segment]:
    """The segment that is named, or the only one that there is, with its name."""
    ((name, segment),) = chosen(catalog, names, file).items()
    return name, segment


def _value(name: str, text: str, types: Mapping[str, DType]) -> Given:
    if name not in types:
        hint = did_you_mean(name, types) or ("there are none" if not types else None)
        raise Failure(f"--set: no parameter {name!r}" + (f"; {hint}" if hint else ""))
    dtype = types[name]
    family = dtype.family
    try:
        if isinstance(dtype, ParameterType) and dtype.many:
            return _list(text)
        return text if family == "text" else _READERS[family](text.strip())
    except ValueError:
        shown = "" if family in ("text", *_READERS) else ", such as '[1, 2]' or '[\"a\", \"b\"]'"
        raise Failure(f"--set: {name} takes a {family}{shown}, not {text!r}") from None


def _list(text: str) -> Given:
    """A list as catalog files have it: an array of TOML."""
    found = tomllib.loads(f"value = {text.strip()}", parse_float=Decimal)
    value = found.pop("value", None)
    if found or not isinstance(value, list):
        raise ValueError(text)
    return value


def _number(text: str) -> Given:
    if not re.fullmatch(r"[+-]?[0-9]{1,100}(\.[0-9]{1,100})?", text):
        raise ValueError(text)
    return Decimal(text) if "." in text else int(text)


def _truth(text: str) -> Given:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_READERS: dict[str, Callable[[str], Given]] = {
    "number": _number,
    "boolean": _truth,
    "date": parse_instant,
    "timestamp": parse_instant,
}


def key_of(text: str, schema: Schema) -> int | str:
    """A key as the schema has it."""
    attribute = schema.entity.key_attribute
    if attribute is None or attribute.dtype != INTEGER:
        return text
    try:
        return int(text)
    except ValueError:
        raise Failure(f"the keys of {schema.root} are whole numbers, not {text!r}") from None
