"""Names that say what rows come to: ``order_count``, ``average order value``."""

from __future__ import annotations

import re

from segmentkit._checking.synonyms import synonym
from segmentkit._diagnostics.diagnostic import suggest
from segmentkit._language import syntax as t
from segmentkit.schema import Relation, Schema

_WAYS = {
    word: way
    for way, words in {
        "count": "count number num cnt",
        "sum": "sum total spent spend revenue",
        "avg": "avg average mean",
        "max": "max maximum highest largest biggest",
        "min": "min minimum lowest smallest",
        "last": "last latest recent",
        "first": "first earliest",
    }.items()
    for word in words.split()
}
_AMOUNTS = ("spent", "spend", "revenue")
_TIMES = ("date", "time", "at", "on", "day", "timestamp")
_FILLERS = (
    *("of", "the", "a", "an", "my", "most"),
    *("customer", "customers", "user", "users", "client", "clients"),
)
_SINCE = re.compile(r"days?[ _]?since[ _]?(?P<what>\w[\w ]*)", re.IGNORECASE)
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def meant_by_phrase(schema: Schema, node: t.Node) -> t.Expr | None:
    """What a name of several words means, if no attribute is called nearly so."""
    match node:
        case t.Name((name,)):
            return _value(schema, name)
        case t.Compare(sign, t.Name((name,)), t.Literal(int() as days)) if sign in _MIRRORED and (
            since := _SINCE.fullmatch(name)
        ):
            match _value(schema, since["what"]):
                case t.Call("last" | "first") as time:
                    moment = t.Moment("now", -days, "day", node.right.span)
                    return t.Compare(_MIRRORED[sign], time, moment, False, node.span)
                case _:
                    return None
        case _:
            return None


def _value(schema: Schema, name: str) -> t.Expr | None:
    entity, words = schema.entity, _words(name)
    known = [each.name for each in entity.attributes]
    if len(words) < 2 and name.lower() not in _AMOUNTS:
        return None
    if suggest(name, known, cutoff=0.8) is not None:
        return None
    own = [word for word in words if word not in _FILLERS]
    if len(own) < len(words) and (same := entity.attribute("_".join(own))) is not None:
        return t.Name((same.name,))
    ways, rest = [w for w in own if w in _WAYS], [w for w in own if w not in _WAYS]
    names = [each.name for each in entity.relations]
    named = {word: r for word in rest for r in entity.relations if _is_called(r.name, word, names)}
    if not ways or len(named) > 1:
        return None
    way = next((_WAYS[word] for word in ways if word not in _AMOUNTS), "sum")
    if ways == ["total"] and list(named) == rest and rest[0].endswith("s"):
        way = "count"  # `total orders`, and not `order total`
    rest = [word for word in rest if word not in named]
    if "amount" not in rest and not set(ways).isdisjoint(_AMOUNTS):
        rest.append("amount")
    among = named.values() or entity.relations
    found = [call for r in among if (call := _call(schema, r, way, rest, named=bool(named)))]
    return found[0] if len(found) == 1 else None


def _call(
    schema: Schema, rows: Relation, way: str, rest: list[str], *, named: bool
) -> t.Call | None:
    """The aggregate of the rows of one relation, if they have what the other words name."""
    if way == "count":
        return t.Call("count", (t.Name((rows.name,)),)) if named and not rest else None
    known = [each.name for each in schema.named(rows.to).attributes]
    wanted = "_".join(rest) or "amount"
    own = wanted if wanted in known else synonym(wanted, known)
    if named and way in ("last", "first") and all(word in _TIMES for word in rest):
        own = rows.at
    if own is None or not (named or rest):
        return None
    return t.Call(way, (t.Name((rows.name, own)),))


def _is_called(relation: str, word: str, names: list[str]) -> bool:
    if relation.lower() in (word, f"{word}s"):
        return True
    return synonym(f"{word.removesuffix('s')}s", names) == relation


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
