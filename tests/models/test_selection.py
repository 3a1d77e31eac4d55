"""What definitions may speak of: only, exclude, and the list of what is left out."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from segmentkit import SchemaError, Segment, SegmentTypeError
from segmentkit.schema import Schema
from segmentkit.sqlalchemy import schema_from


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    picture: Mapped[bytes | None]


class Repository(Base):
    __tablename__ = "repositories"
    id: Mapped[int] = mapped_column(primary_key=True)
    stars: Mapped[int]
    secret: Mapped[str | None]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    editor_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    owner: Mapped[Owner] = relationship(foreign_keys=owner_id)
    editor: Mapped[Owner] = relationship(foreign_keys=editor_id)
    issues: Mapped[list[Issue]] = relationship(back_populates="repository")


class Issue(Base):
    __tablename__ = "issues"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    repository_id: Mapped[int] = mapped_column(sa.ForeignKey("repositories.id"))
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    repository: Mapped[Repository] = relationship(back_populates="issues")
    author: Mapped[Owner] = relationship()


def names(schema: Schema) -> dict[str, set[str]]:
    return {
        entity.name: {p.name for p in (*entity.attributes, *entity.links, *entity.relations)}
        for entity in schema.entities
    }


EVERYTHING = {
    "repositories": {"id", "stars", "secret", "owner_id", "editor_id", "owner", "editor", "issues"},
    "users": {"id", "name", "password_hash"},
    "issues": {"id", "title", "repository_id", "author_id", "repository", "author"},
}


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        (["owner.password_hash"], {"users": {"password_hash"}}),
        (["users.password_hash"], {"users": {"password_hash"}}),
        (["Owner.password_hash"], {"users": {"password_hash"}}),
        (["*.password_hash"], {"users": {"password_hash"}}),
        (["*pass*"], {"users": {"password_hash"}}),
        (["issues.author.password_hash"], {"users": {"password_hash"}}),
        (["secret", "*.*_id"],
         {"repositories": {"secret", "owner_id", "editor_id"},
          "issues": {"repository_id", "author_id"}}),
        (["owner"], {"repositories": {"owner"}}),
        (["issues"], {"repositories": {"issues"}, "issues": EVERYTHING["issues"]}),
        (["Issue"], {"repositories": {"issues"}, "issues": EVERYTHING["issues"]}),
        (["issues.author", "issues.repository"], {"issues": {"author", "repository"}}),
        (["users"], {"repositories": {"owner", "editor"}, "issues": {"author"},
                     "users": EVERYTHING["users"]}),
    ],
)  # fmt: skip
def test_exclude(excluded: list[str], gone: dict[str, set[str]]) -> None:
    """As in Gitea, what end users must not ask for is nowhere, by whatever way they come."""
    schema = schema_from(Repository, exclude=excluded)
    expected = {name: parts - gone.get(name, set()) for name, parts in EVERYTHING.items()}
    assert names(schema) == {name: parts for name, parts in expected.items() if parts}
    listed = {what for what, why in schema.left_out if why == "excluded"}
    assert listed


def test_what_is_excluded_cannot_be_asked() -> None:
    """A definition that asks for it is wrong, whichever link it takes."""
    schema = schema_from(Repository, exclude=["owner.password_hash"])
    for way in ("owner", "editor"):
        with pytest.raises(SegmentTypeError, match="SK101"):
            Segment.define("it", f'{way}.password_hash starts with "$2b$"', schema)
    with pytest.raises(SegmentTypeError, match="SK101"):
        Segment.define("it", 'any(issues where author.password_hash starts with "$")', schema)


@pytest.mark.parametrize(
    ("only", "kept"),
    [
        (["stars"], {"repositories": {"stars"}}),
        (["stars", "owner.name"], {"repositories": {"stars", "owner"}, "users": {"name"}}),
        (["stars", "users.name"],
         {"repositories": {"stars", "owner", "editor"}, "users": {"name"}}),
        (["stars", "owner"],
         {"repositories": {"stars", "owner"}, "users": {"id", "name", "password_hash"}}),
        (["issues.title"], {"repositories": {"issues"}, "issues": {"title"}}),
        (["issues"],
         {"repositories": {"issues"}, "issues": {"id", "title", "repository_id", "author_id",
                                                "repository", "author"}, "users": set()}),
        (["repositories.stars", "issues.author.name"],
         {"repositories": {"stars", "issues"}, "issues": {"author", "repository"},
          "users": {"name"}}),
    ],
)  # fmt: skip
def test_only(only: list[str], kept: dict[str, set[str]]) -> None:
    """As in public search boxes, only what is named can be asked, and the ways that lead there."""
    assert names(schema_from(Repository, only=only)) == kept


@pytest.mark.parametrize("arguments", [{"exclude": ["owner.pasword_hash"]}, {"only": ["star"]}])
def test_a_slip_is_an_error(arguments: dict[str, list[str]]) -> None:
    """A name that fits nothing would let through what was meant, and is refused with a suggestion."""
    with pytest.raises(
        SchemaError, match=r"is not an attribute, relationship or table.*did you mean"
    ):
        schema_from(Repository, **arguments)
    with pytest.raises(SchemaError, match="exclude must be a list of names, not 'secret'"):
        schema_from(Repository, exclude="secret")


@pytest.mark.parametrize("given", [5, Session(), {"owner": 1}, Repository.stars, [Repository], [5]])
@pytest.mark.parametrize("argument", ["only", "exclude"])
def test_what_is_no_list_of_names_is_refused(argument: str, given: Any) -> None:
    """A session can be gone through, and has no names: nothing would be let through."""
    with pytest.raises(SchemaError, match=f"{argument} must be a list of names"):
        schema_from(Repository, **{argument: given})


def test_an_entity_beside_a_class_must_be_its_own() -> None:
    """Another name would say that another table is segmented."""
    assert schema_from(Repository, "repositories") == schema_from(Repository)
    with pytest.raises(SchemaError, match="those of 'repositories'.*'users'"):
        schema_from(Repository, "users")


def test_tables_too() -> None:
    """Tables and what foreign keys lead to are chosen by the same names."""
    schema = schema_from(
        Base.metadata, "repositories", exclude=["owner.password_hash", "editor", "*.secret"]
    )
    assert names(schema) == {
        "repositories": {"id", "stars", "owner_id", "editor_id", "owner", "issues"},
        "users": {"id", "name"},
        "issues": {"id", "title", "repository_id", "author_id", "repository", "author"},
    }
    assert dict(schema.left_out) == {
        "repositories.secret": "excluded",
        "repositories.editor": "excluded",
        "users.password_hash": "excluded",
        "users.picture": "the language has no word for its type, BLOB",
    }


def test_the_list_of_what_is_left_out() -> None:
    """The list is shown and kept with the schema, and does not make it another one."""
    schema = schema_from(Repository, exclude=["secret"])
    assert schema.left_out == (
        ("repositories.secret", "excluded"),
        ("users.picture", "the language has no word for its type, BLOB"),
    )
    assert str(schema).endswith(
        "left out:\n    repositories.secret: excluded\n"
        "    users.picture: the language has no word for its type, BLOB"
    )
    assert pickle.loads(pickle.dumps(schema)).left_out == schema.left_out  # noqa: S301
    assert Schema(schema.entities) == schema
    assert schema.rooted("issues").left_out == schema.left_out
