"""Names: the attribute, trait or place that each one means, and suggestions for unknown ones."""

from __future__ import annotations

import re

from attrs import frozen

from segmentkit._checking.context import Context, NamedRow, Row
from segmentkit._checking.hints import (
    left_out,
    look_alike,
    one_of,
    one_step_away,
    some,
    write_some,
)
from segmentkit._checking.synonyms import synonym
from segmentkit._diagnostics.diagnostic import Hint, advice, likely, suggest, write
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._language.comments import comment_sign
from segmentkit._language.formatter import format_name, format_tree
from segmentkit._planning import ir
from segmentkit._planning.traversal import has_aggregates, is_of_population
from segmentkit.dtypes import Kind
from segmentkit.schema import Document, Entity

Coordinates = tuple[ir.Value, ir.Value]
"""Degrees north and degrees east."""


def tested(ctx: Context, node: t.Expr) -> ir.Value | None:
    """What the operand of a test means that a list of texts can stand in."""
    return named(ctx, node) if isinstance(node, t.Name) else ctx.value(node)


def single(ctx: Context, node: t.Name) -> ir.Value | None:
    """What a name means where one value is needed; None after an error."""
    value = named(ctx, node)
    if value is None or value.dtype.kind is not Kind.TEXTS:
        return value
    ctx.error("SK161", node.span, name=format_tree(node))
    return None


def named(ctx: Context, node: t.Name) -> ir.Value | None:
    """What a name means, a list of texts too; None after an error."""
    found = _start(ctx, node)
    if found is None:
        return None
    if found.scope is ir.Scope.ENTITY:
        return _of_entity(ctx, node, found.parts)
    return _column(ctx, node, found, found.parts)


def list_of_texts(ctx: Context, node: t.Name) -> ir.Value | None:
    """The list that a name means; None where it means another thing, or nothing."""
    with ctx.attempt():
        value = named(ctx, node)
    return value if value is not None and value.dtype.kind is Kind.TEXTS else None


def place(ctx: Context, node: t.Expr) -> Coordinates | None:
    """The coordinates of a place that the schema declares; None if this names none."""
    if not isinstance(node, t.Name):
        return None
    with ctx.attempt():
        found = _start(ctx, node)
    if found is None:
        return None
    *links, name = found.parts
    entity: Entity | None = found.entity
    for link in links:
        way = entity.link(link) if entity else None
        entity = ctx.schema.named(way.to) if way else None
    declared = entity.place(name) if entity else None
    if declared is None:
        return None
    ctx.use("place", entity, name, node.span, len(node.parts) - 1)
    north = _column(ctx, node, found, (*links, declared.latitude))
    east = _column(ctx, node, found, (*links, declared.longitude))
    return None if north is None or east is None else (north, east)


@frozen
class _Start:
    """Where the parts of a name begin to lead, and those that are left.

    Attributes:
        entity: What the row is that they begin at.
        scope: Whose row it is.
        parts: The parts that are left.
        up: How far up it is, of a row above.
    """

    entity: Entity
    scope: ir.Scope
    parts: tuple[str, ...]
    up: int = 0


def _start(ctx: Context, node: t.Name) -> _Start | None:
    """Where a name begins to lead; None after an error."""
    parts, row, root = node.parts, ctx.row, ctx.schema.entity
    if row is not None and len(parts) > 1 and (found := row.names.get(parts[0])) is not None:
        return _above(ctx, node, row, found)
    if row is not None and row.prefix == parts:
        hint = advice("name_an_attribute", name=format_tree(node))
        ctx.error("SK114", node.span, name=format_tree(node), hint=hint)
        return None
    if row is not None and row.prefix and row.prefix == parts[: len(row.prefix)]:
        return _Start(row.entity, ir.Scope.ROW, parts[len(row.prefix) :])
    if len(parts) > 1 and parts[0] == root.name and root.attribute(parts[0]) is None:
        return _Start(root, ir.Scope.ENTITY, parts[1:])
    if row is None:
        return _Start(root, ir.Scope.ENTITY, parts)
    if row.prefix:
        owner = (root.name,) if root.attribute(parts[0]) else row.prefix
        example = ".".join(map(format_name, (*owner, *parts)))
        ctx.error("SK116", node.span, name=term("an aggregate"), example=example)
        return None
    return _Start(row.entity, ir.Scope.ROW, parts)


def _above(ctx: Context, node: t.Name, row: Row, found: NamedRow) -> _Start | None:
    """The row that a definition gave a name, where it can be seen."""
    first, *rest = node.parts
    if found.why is None and (found.up or found.followed):
        return _Start(found.entity, ir.Scope.ABOVE, tuple(rest), found.up)
    if found.why is None:
        own = ".".join(map(format_name, rest))
        hint = advice("names_are_of_it", row=format_name(first), name=own)
    else:
        seen = [n for n, r in row.names.items() if r.why is None and (r.up or r.followed)]
        hint = advice("unseen_row", why=found.why)
        if seen:
            hint = advice("seen_rows", why=found.why, names=some(list(map(format_name, seen))))
    ctx.error("SK133", node.span, name=first, hint=hint)
    return None


def _of_entity(ctx: Context, node: t.Name, parts: tuple[str, ...]) -> ir.Value | None:
    """An attribute of the entity, or a trait, which is called like none of them."""
    root, traits = ctx.schema.entity, ctx.names.traits
    found = traits.get(parts[0]) if traits and len(parts) == 1 else None
    if found is None or root.attribute(parts[0]) is not None:
        return _column(ctx, node, _Start(root, ir.Scope.ENTITY, parts), parts)
    if found.value is None:
        return None
    if ctx.row is not None and ctx.row.prefix and has_aggregates(found.value):
        ctx.error("SK113", node.span, hint=advice("compare_after_where", name=parts[0]))
        return None
    if is_of_population(found.value) and not ctx.of_customers(node):
        return None
    ctx.used_traits[parts[0]] = None
    ctx.use("trait", None, parts[0], node.span, len(node.parts) - 1)
    ctx.adopt(found.parameters, node.span)
    return found.value


def _column(ctx: Context, node: t.Name, start: _Start, parts: tuple[str, ...]) -> ir.Value | None:
    entity, links, scope = start.entity, 0, start.scope
    first_part = len(node.parts) - len(parts)
    while links < len(parts) - 1 and (link := entity.link(parts[links])) is not None:
        ctx.use("link", entity, link.name, node.span, first_part + links)
        entity, links = ctx.schema.named(link.to), links + 1
    first, *inner = parts[links:]
    attribute = entity.attribute(first)
    if inner:
        attribute = entity.attribute(".".join((first, *inner)))
        attribute = attribute if entity.document(first) else None
    if attribute is None:
        if not (links and is_behind_link(ctx, node, start.entity, parts)):
            _unknown(ctx, node, entity, first, scope)
        return None
    ctx.use("attribute", entity, attribute.name, node.span, len(node.parts) - 1)
    # A link may lead nowhere, so what is beyond it may be missing.
    nullable = attribute.nullable or links > 0
    of = start.entity.name if scope is ir.Scope.ABOVE else ""
    column = ir.Column(
        scope, parts[:links], attribute.name, attribute.dtype, nullable, start.up, of
    )
    if attribute.values or attribute.uuid or attribute.bounds != (None, None):
        ctx.declared[column] = attribute
    elif ctx.declared:
        ctx.declared.pop(column, None)
    return column


def is_behind_link(ctx: Context, node: t.Name, entity: Entity, parts: tuple[str, ...]) -> bool:
    """Whether parts lead by a link to rows of the one that is there; that is an error."""
    links = 0
    while links < len(parts) - 1 and (link := entity.link(parts[links])) is not None:
        entity, links = ctx.schema.named(link.to), links + 1
    if not links or entity.relation(parts[links]) is None:
        return False
    hint = advice("rows_behind_link", relation=format_name(parts[links]), entity=entity.name)
    ctx.error("SK102", node.span, name=format_tree(node), hint=hint)
    return True


# -- what is unknown ------------------------------------------------------------------------------


def _unknown(ctx: Context, node: t.Name, entity: Entity, part: str, scope: ir.Scope) -> None:
    """Say what a name is that is no attribute, or which attribute was probably meant."""
    text = ".".join(map(format_name, node.parts))
    hint: Hint | None = None
    if entity.relation(part) is not None:
        if part == node.parts[-1]:
            own = advice("count_in_own_brackets", name=format_name(part))
            hint = own if scope is ir.Scope.ABOVE else write(f"count({text})")
            ctx.error("SK114", node.span, name=text, hint=hint)
        else:
            hint = _of_many(ctx, node, entity, part)
            ctx.error("SK115", node.span, hint=hint, name=text, relation=part)
    elif entity.link(part) is not None:
        target = ctx.schema.follow(entity, [part])
        names = [f"{text}.{format_name(a.name)}" for a in target.attributes]
        hint = one_of(names) if names else None
        ctx.error("SK128", node.span, name=part, hint=hint)
    elif entity.place(part) is not None:
        ctx.error("SK150", node.span, name=part)
    elif (document := entity.document(part)) is not None:
        _unknown_inside(ctx, node, document)
    elif entity.attribute(part) is not None:
        ctx.error("SK129", node.span, name=part, hint=_part_meant(node, part))
    else:
        ctx.error("SK101", node.span, name=part, hint=_meant(ctx, node, entity, part, scope))


def _of_many(ctx: Context, node: t.Name, entity: Entity, part: str) -> Hint | None:
    """What ``orders.count``, ``orders.last.amount`` and ``orders.price`` mean."""
    at = node.parts.index(part) + 1
    rows, own = ".".join(map(format_name, node.parts[:at])), node.parts[at:]
    relation = entity.relation(part)
    assert relation is not None
    target = ctx.schema.named(relation.to)
    if target.attribute(own[0]) is None and len(own) == 1:
        word = own[0].lower()
        if word in _SIZES:
            return write(f"count({rows})")
        if word in ("any", "exists", "some"):
            return write(f"any({rows})")
        known = [a.name for a in target.attributes]
        keys = (target.key, *(r.key for r in entity.relations))
        numbers = [
            a.name
            for a in target.attributes
            if a.dtype.is_number and a.name not in keys and not a.name.endswith("_id")
        ]
        if word in _OF_MANY and numbers:
            return write_some([f"{_OF_MANY[word]}({rows}.{format_name(n)})" for n in numbers])
        if word == "total" and numbers:
            return advice("write", text=some([f"sum({rows}.{format_name(n)})" for n in numbers]))
        meant = synonym(own[0], known) or suggest(own[0], known)
        if meant is not None:
            return advice("did_you_mean", f"{rows}.{format_name(meant)}", name=meant)
        return None if target.link(own[0]) or target.document(own[0]) else likely(own[0], known)
    for word, name in (own, own[::-1]) if len(own) == 2 else ():
        if word.lower() in _OF_MANY and target.attribute(name) is not None:
            return write(f"{_OF_MANY[word.lower()]}({rows}.{format_name(name)})")
    return None


def _part_meant(node: t.Name, part: str) -> Hint | None:
    """``joined.year`` and ``joined.dt.year`` are ``year(joined)``."""
    at = node.parts.index(part)
    wanted = [each.lower() for each in node.parts[at + 1 :] if each.lower() not in ("dt", "str")]
    functions = {"day": "monthday", "dayofweek": "weekday", "date": "day", **_PARTS}
    name = functions.get(wanted[0]) if len(wanted) == 1 else None
    return write(f"{name}({'.'.join(map(format_name, node.parts[: at + 1]))})") if name else None


_PARTS = {each: each for each in ("year", "quarter", "month", "week", "weekday", "hour")}
_PARTS |= dict.fromkeys(("len", "length", "size"), "length")


def _meant(ctx: Context, node: t.Name, entity: Entity, part: str, scope: ir.Scope) -> Hint | None:
    """What was probably meant by a name that nothing has."""
    if why := left_out(ctx, entity, part):
        return why
    if (sign := comment_sign(ctx.source, node.span.start)) is not None:
        return advice("comment_begins", "#", span=sign)
    if (hint := _WORDS_OF_OTHERS.get(part.lower())) is not None:
        return hint
    if (
        scope is ir.Scope.ROW
        and ctx.row is not None
        and (told := _of_row(ctx, node, ctx.row, part))
    ):
        return told
    if len(node.parts) == 1 and (where := one_step_away(ctx, entity, part)):
        return where
    if len(node.parts) == 2 and (times := _time_of_rows(ctx, node, part)):
        return times
    return _nearest(ctx, node, entity, part)


def _of_row(ctx: Context, node: t.Name, row: Row, part: str) -> Hint | None:
    """What a name means that is of another row, or of the customer."""
    root = ctx.schema.entity
    if part in row.names:
        return advice("name_attribute_of_row", name=format_name(part))
    follows, inside = row.follows, row.inside
    if follows is not None and part == follows.relation.name:
        return _to_name(ctx, node, follows, term("the row that the step follows"))
    if inside is not None and part == inside.relation.name:
        what = term("the row of {relation} around these brackets", relation=part)
        return _to_name(ctx, node, inside, what)
    if part == row.relation.name:
        own = ".".join(map(format_name, node.parts[1:])) or None
        return advice("drop_prefix", own, relation=part)
    if root.attribute(part) or root.link(part):
        text = ".".join(map(format_name, (root.name, *node.parts)))
        return advice("attribute_is", text, entity=root.name, name=text)
    time = row.relation.at
    if time is not None and len(node.parts) == 1 and part.lower() in _TIMES:
        return advice("time_is", format_name(time), relation=row.relation.name, name=time)
    return None


def _time_of_rows(ctx: Context, node: t.Name, part: str) -> Hint | None:
    """``orders.time``, where the time of the relation has another name."""
    relation = ctx.schema.entity.relation(node.parts[0])
    if relation is None or relation.at is None or part.lower() not in _TIMES:
        return None
    text = f"{format_name(relation.name)}.{format_name(relation.at)}"
    return advice("time_is", text, relation=relation.name, name=text)


def _nearest(ctx: Context, node: t.Name, entity: Entity, part: str) -> Hint | None:
    """The name that is written nearly so, or looks the same."""
    root, row, at = ctx.schema.entity, ctx.row, node.parts.index(part)
    groups = (entity.attributes, entity.documents, entity.places, entity.links, entity.relations)
    traits = ctx.names.traits if entity is root and part == node.parts[-1] else ()
    known = [*(each.name for group in groups for each in group), *traits]
    if len(node.parts) > 1 and part == node.parts[0]:
        known.append(root.name)
        known += [] if row is None else [n for n, r in row.names.items() if r.why is None]

    def whole(name: str) -> str:
        return ".".join(map(format_name, (*node.parts[:at], name, *node.parts[at + 1 :])))

    same = [name for name in known if name.casefold() == part.casefold()]
    if len(same) == 1:
        return advice("did_you_mean", whole(same[0]), name=same[0])
    births = [a.name for a in entity.attributes if _BIRTH.search(a.name)]
    if part.lower().replace("_", "") in ("birthday", "bday") and len(births) == 1:
        return write(f"anniversary({whole(births[0])})")
    if part.lower() == "age" and len(births) == 1:
        return write(f"age({whole(births[0])})")
    if (found := look_alike(part, known, whole)) is not None:
        return found
    if len(node.parts) > 1 and at == 0 and row is None and entity is root:
        own = _of_customer(ctx, node)
        if own is not None:
            return own
    if (same_thing := synonym(part, known)) is not None:
        return advice("did_you_mean", whole(same_thing), name=same_thing)
    hint = likely(part, known, whole)
    other = _nameless(row, node)
    if other is not None and suggest(part, [other]) is None:
        return advice("name_the_row", relation=format_name(other), name=format_name(part))
    if hint is None and len(node.parts) == 1:
        return advice("text_in_quotes", text=part)
    return hint


def _of_customer(ctx: Context, node: t.Name) -> Hint | None:
    """``customer.age``, ``df.age`` and ``c.age`` are ``age``."""
    first, second = node.parts[0].lower(), node.parts[1]
    root = ctx.schema.entity
    if not any(of(second) for of in (root.attribute, root.link, root.document, root.relation)):
        return None
    name = root.name.lower()
    if first not in _CUSTOMERS and not name.startswith(first) and suggest(first, [name]) is None:
        return None
    return write(".".join(map(format_name, node.parts[1:])))


def _nameless(row: Row | None, node: t.Name) -> str | None:
    """The rows before or around these, if they have no name and what a name may say of them."""
    other = None if row is None else row.follows or row.inside
    if other is None or other.alias is not None or len(node.parts) != 2:
        return None
    return other.relation.name if other.entity.attribute(node.parts[1]) else None


def _to_name(ctx: Context, node: t.Name, row: Row, what: Term) -> Hint:
    """How to name another row than that of these brackets."""
    first, *rest = node.parts
    alias = row.alias or ctx.name_for(row)
    name = ".".join(map(format_name, (alias, *rest)))
    if row.alias:
        return advice("to_name", what=what, name=name)
    known = f"{format_name(first)} as {format_name(alias)}"
    return advice("to_name_with_alias", what=what, alias=known, name=name)


def _unknown_inside(ctx: Context, node: t.Name, document: Document) -> None:
    """A name that ends in a document, or leads to what it does not declare."""
    parts = node.parts[node.parts.index(document.name) :]
    known = {".".join(map(format_name, a.path)): a.path for a in document.attributes}
    within = [name for name, path in known.items() if path[: len(parts)] == parts]
    if within or len(parts) == 1:
        hint = advice("write", text=one_of(within).values["text"]) if within else None
        ctx.error("SK160", node.span, name=format_tree(node), hint=hint)
        return
    name = ".".join(map(format_name, parts))
    before = node.parts[: len(node.parts) - len(parts)]

    def whole(found: str) -> str:
        return ".".join((*map(format_name, before), found))

    ctx.error("SK101", node.span, name=name, hint=likely(name, known, whole))


_BIRTH = re.compile(r"birth|born|dob", re.IGNORECASE)
_TIMES = ("time", "date", "at", "when", "day", "timestamp", "datetime", "created_at", "created")
_CUSTOMERS = (
    *("customer", "customers", "user", "users", "person", "people", "df", "self", "this", "row"),
    *("client", "contact", "contacts", "profile", "account", "member", "u", "x", "t", "data"),
)
_OF_MANY = {n: n for n in ("sum", "avg", "min", "max", "median", "first", "last")}
_OF_MANY["mean"] = "avg"
_SIZES = ("count", "len", "length", "size")
_WORDS_OF_OTHERS = {
    **dict.fromkeys(
        ("null", "none", "nan", "undefined", "nil"),
        advice("is_missing"),
    ),
    **dict.fromkeys(("current_date", "curdate"), write("today")),
    **dict.fromkeys(("current_timestamp", "sysdate", "getdate"), write("now")),
    "yes": advice("truth_or_text", truth="true", text="yes"),
    "no": advice("truth_or_text", truth="false", text="no"),
    **dict.fromkeys(("everyone", "everybody", "all", "anyone"), write("true")),
    "yesterday": advice("day_or_whole_day", moment="1 day ago", window="in previous day"),
    "tomorrow": advice("day_or_whole_day", moment="1 day from now", window="in next 1 day"),
}
"""What stands here for what others call so."""
