"""Audiences: nobody is in one without an address and consent."""

from __future__ import annotations

import copy
import pickle

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from segmentkit import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Attribute,
    Audience,
    Channel,
    Entity,
    KeyList,
    Schema,
    SchemaError,
    Segment,
    SegmentTypeError,
)

ENTITY = Entity(
    "people",
    key="id",
    attributes=[
        Attribute("id", INTEGER),
        Attribute("email", TEXT, nullable=True),
        Attribute("opted_in", BOOLEAN, nullable=True),
    ],
)
EMAIL = Channel("email", address="email", consent="opted_in")
PEOPLE = Schema([ENTITY], channels=[EMAIL])
LISTED = Segment.define("listed", "in list a or id > 100", PEOPLE, lists=[KeyList("a", [1, 2])])


def person(**known: object) -> dict[str, object]:
    return {"id": 1, "email": "ada@example.org", "opted_in": True, **known}


def test_members() -> None:
    """An audience is the base and the channel's test, and nothing less."""
    letter = Audience(LISTED, channel="email")
    reachable = Segment.define(None, "reachable by email", PEOPLE)
    assert letter.segment == LISTED & reachable
    assert letter.segment.name == "listed"
    assert letter.segment.matches(person())
    for known in (
        {"id": 3},
        {"email": None},
        {"email": ""},
        {"opted_in": None},
        {"opted_in": False},
    ):
        assert not letter.segment.matches(person(**known))
    assert letter.address.of(person()) == "ada@example.org"


def test_no_way_around() -> None:
    """What an audience is cannot be given, changed or kept while its base changes."""
    letter = Audience(LISTED, channel="email")
    with pytest.raises(TypeError):
        Audience(LISTED, channel="email", segment=LISTED)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Audience(LISTED)  # type: ignore[call-arg]
    with pytest.raises(FrozenInstanceError):
        letter.segment = LISTED  # type: ignore[misc]
    everyone = Segment.define("everyone", "true", PEOPLE)
    assert evolve(letter, base=everyone) == Audience(everyone, channel="email")
    for again in (pickle.loads(pickle.dumps(letter)), copy.deepcopy(letter)):  # noqa: S301
        assert again == letter
        assert not again.segment.matches(person(opted_in=None))


def test_channel_of_a_base_with_or() -> None:
    """Consent is asked of every alternative of the base."""
    letter = Audience(Segment.define(None, "id = 1 or id = 2", PEOPLE), channel="email")
    assert not letter.segment.matches(person(id=2, opted_in=False))


def test_unknown_channel() -> None:
    """A mistyped channel is an error with a suggestion."""
    with pytest.raises(SegmentTypeError, match="did you mean 'email'"):
        Audience(LISTED, channel="emial")


@pytest.mark.parametrize(
    ("address", "consent", "message"),
    [
        ("emial", "opted_in", "did you mean 'email'?"),
        ("email", "optedin = true", "did you mean 'opted_in'?"),
        ("email", "email", "not a condition"),
        ("email", "opted_in and", "ends too early"),
        ("email", "reachable by email", "the schema declares no channels"),
        ("email", "id > :least", "a channel has no parameters"),
        ("opted_in and", "opted_in", "ends too early"),
        ("any(x)", "opted_in", "SK1"),
    ],
)
def test_wrong_declaration(address: str, consent: str, message: str) -> None:
    """A channel whose texts do not fit the schema is an error of the schema."""
    schema = Schema([ENTITY], channels=[Channel("email", address=address, consent=consent)])
    with pytest.raises(SchemaError, match="channel 'email'") as caught:
        Segment.define(None, "reachable by email", schema)
    assert message in str(caught.value)


def test_schema_with_channels() -> None:
    """Channels belong to what a schema is: to its equality, its copies and its text."""
    assert Schema([ENTITY]) != PEOPLE
    assert pickle.loads(pickle.dumps(PEOPLE)) == PEOPLE  # noqa: S301
    assert str(PEOPLE).splitlines()[-1] == "reachable by email: at email, if opted_in"
    with pytest.raises(SchemaError, match="declared twice"):
        Schema([ENTITY], channels=[EMAIL, EMAIL])
