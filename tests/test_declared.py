"""Goals and hand-overs: what files and Python say, and what is refused, with its place."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import segmentkit as sk
from segmentkit._catalog.toml_file import read_catalog
from segmentkit.goal import Amount
from tests.commands import Run

HEAD = """\
language = 1

[schema]
entity = "people"
time_zone = "America/New_York"
events.orders = { key = "person", at = "placed" }

[schema.tables.people]
key = "id"
[schema.tables.people.attributes]
id = "integer"
name = "text?"
email = "text?"
phone = "text?"
ok = "boolean?"
manager = "text?"

[schema.tables.orders]
attributes = { person = "integer", placed = "timestamp", amount = "decimal(2)" }

[schema.channels]
email = { address = "email", consent = "ok" }

[parameters]
least = 3

[traits]
spent = "sum(orders.amount in last 30 days)"
both = "count(orders)"

[segments]
at_risk.where = "count(orders) < :least"
gone.where = "not ok"
both.where = "ok"
"""
GOAL = """
[goals.win_back]
segment = "at_risk"
metric = "spent"
amount = "10%"
starts = 2026-07-01
by = 2026-10-31
hold_out = "10%"
guards = { gone = "1 pp" }
"""
HANDOVERS = """
[handovers.mail]
segment = "at_risk"
channel = "email"
goal = "win_back"
wait = "3 days"
again = "after 90 days"
title = "The letter"
[handovers.mail.fields]
who = "name"
phone = "e164( phone, 'x' )"
spent = "spent * 2"
hashed = 'hashed_phone(phone, "meta", "DK")'

[handovers.calls]
segment = "at_risk"
task = { title = "Call", due = "2 days", owner = "manager" }

[handovers.removal]
segment = "at_risk"
on = "left"
channel = "none"
""".replace("e164( phone, 'x' )", "e164( phone )")
FILE = HEAD + GOAL + HANDOVERS


def test_a_file_declares_goals() -> None:
    """What it says is there, of segments whose parameters have values, in the zone's days."""
    goal = sk.Catalog.loads(FILE).goals["win_back"]
    assert goal.segment.definition == "count(orders) < 3"
    assert (goal.amount, goal.hold_out, goal.direction) == (Amount(Decimal(10), "%"), 10, "up")
    assert goal.begins == datetime(2026, 7, 1, 4, tzinfo=UTC)
    # The last day counts; that night, the clocks there have not gone back yet.
    assert goal.ends == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert str(goal.guards["gone"].margin) == "1 pp"
    assert goal.held_out.definition == 'sample(10%, "goal win_back")'
    assert str(goal) == (
        "win_back: spent of at_risk up by 10%, from 2026-07-01 by 2026-10-31, 10% held out"
    )


def test_a_file_declares_hand_overs() -> None:
    """With forms of fields, waits, and tasks."""
    found = sk.Catalog.loads(FILE).handovers
    mail, calls, removal = (found[name] for name in ("mail", "calls", "removal"))
    assert (mail.on, mail.channel, mail.goal and mail.goal.name) == ("entered", "email", "win_back")
    assert (mail.waits, mail.rests) == (timedelta(days=3), timedelta(days=90))
    hashed = mail.fields["hashed"]
    assert (hashed.form, hashed.platform, hashed.region) == ("hashed_phone", "meta", "DK")
    assert mail.fields["phone"].form == "e164"
    assert mail.fields["spent"].value.definition == "spent * 2"
    assert calls.channel is None
    assert calls.task is not None
    assert (calls.task.title, calls.task.time) == ("Call", timedelta(days=2))
    assert (calls.rests, removal.on, removal.channel) == (None, "left", None)
    assert str(mail) == "mail: who entered at_risk, by email, after 3 days, again after 90 days"


def test_all_forms_say_the_same() -> None:
    """TOML, JSON, the pickle, and a catalog that was put together in Python."""
    catalog = sk.Catalog.loads(FILE)
    for other in (
        sk.Catalog.from_json(catalog.to_json()),
        sk.Catalog.loads(sk.Catalog.from_json(catalog.to_json()).dumps()),
        pickle.loads(pickle.dumps(catalog)),  # noqa: S301 - ours
    ):
        for kind in ("goals", "handovers"):
            mine, theirs = getattr(catalog, kind), getattr(other, kind)
            assert [each.told() for each in mine.values()] == [e.told() for e in theirs.values()]


def test_a_new_name_reaches_them() -> None:
    """Of segments, traits and attributes, in references and within values."""
    catalog = sk.Catalog.loads(FILE)
    risky = catalog.rename("segment at_risk", "risky")
    assert risky.goals["win_back"].segment.name == "risky"
    assert {each.segment.name for each in risky.handovers.values()} == {"risky"}
    bought = catalog.rename("trait spent", "bought")
    assert 'metric = "bought"' in bought.dumps()
    assert 'spent = "bought * 2"' in bought.dumps()
    called = catalog.rename("people.phone", "tel")
    assert 'phone = "e164( tel )"' in called.dumps()
    assert 'hashed = \'hashed_phone(tel, "meta", "DK")\'' in called.dumps()
    assert 'owner = "boss"' in catalog.rename("people.manager", "boss").dumps()
    assert 'guards = { left = "1 pp" }' in catalog.rename("segment gone", "left").dumps()
    assert set(catalog.users_of("people.manager")) == {"handover calls"}
    assert "goal win_back" in catalog.users_of("trait spent")


def _replaced(old: str, new: str) -> str:
    assert old in FILE
    return FILE.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"10%"\nstarts', '"10"\nstarts', "goals.win_back.amount must be such as \"10%\""),
        ('"10%"\nstarts', '"1 pp"\nstarts', "only rates have percentage points"),
        ('"10%"\nstarts', "-5\nstarts", 'direction = "down" says that less is better'),
        ('"10%"\nstarts', "0\nstarts", "amount must be another number than zero"),
        ('metric = "spent"', 'metric = "gone"\n', None),
        ('metric = "spent"', 'metric = "spnt"', "did you mean 'spent'"),
        ('metric = "spent"', 'metric = "both"', '"trait both" or "segment both"'),
        ('metric = "spent"', 'metric = "trait both"', None),
        ("by = 2026-10-31", "by = 2026-06-30", "goals.win_back.by must be after 'starts'"),
        ("by = 2026-10-31", 'by = "soon"', "goals.win_back.by must be a day"),
        ("by = 2026-10-31\n", "", "goals.win_back.by must be given"),
        ('hold_out = "10%"', "hold_out = 10", 'hold_out must be a share of the people such as "10%"'),
        ('hold_out = "10%"', 'hold_out = "100%"', "hold_out must be a share"),
        ('{ gone = "1 pp" }', "{ gone = 1 }", "guards.gone must be such as \"1 pp\""),
        ('{ gone = "1 pp" }', '{ gon = "1 pp" }', "did you mean 'gone'"),
        ('[goals.win_back]\n', '[goals.win_back]\nmetrics = "x"\n', "SK302 unknown key 'metrics'"),
        ('[goals.win_back]\nsegment = "at_risk"', '[goals.win_back]\nsegment = "gone"',
         "handovers.mail.goal must be a goal of at_risk: win_back is one of gone"),
        ('channel = "email"', 'channel = "emial"', "did you mean 'email'"),
        ('channel = "email"\n', "", "handovers.mail.channel must be the channel by which"),
        ('goal = "win_back"', 'goal = "win_bak"', "did you mean 'win_back'"),
        ('wait = "3 days"', 'wait = "3"', "wait must be a length of time such as '12 hours'"),
        ('again = "after 90 days"', 'again = "90 days"', 'again must be "never" or such as'),
        ('on = "left"', 'on = "left"\nagain = "never"', "who has left is handed over each time"),
        ('on = "left"', 'on = "gone"', 'on must be "entered" or "left"'),
        ('who = "name"', 'who = "nam"', "unknown attribute 'nam'"),
        ('who = "name"', 'id = "name"', "fields.id must be called otherwise"),
        ('who = "name"', 'who = "name > 3"', "fields.who must be a value of the schema"),
        ("e164( phone )", "e164( id )", "of a text, and id is integer"),
        ('"meta", "DK"', '"mta", "DK"', "did you mean 'meta'"),
        ('"meta", "DK"', '"linkedin"', "linkedin takes no phone numbers"),
        ('"meta", "DK"', '"meta", "Denmark"', 'with a country such as "DK"'),
        ('due = "2 days"', 'duo = "2 days"', "a table with title, due and owner"),
        ('title = "Call", ', "", "task must be a table with a title"),
        ('owner = "manager" }', 'owner = "mnager" }', "unknown attribute 'mnager'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(old: str, new: str, says: str | None) -> None:
    """With the key, and the line of the key."""
    text = _replaced(old, new)
    if says is None:
        sk.Catalog.loads(text.replace('amount = "10%"', 'amount = "5%"'))
        return
    with pytest.raises(sk.CatalogError) as caught:
        sk.Catalog.loads(text, file="s.toml")
    assert says in str(caught.value)
    assert "s.toml:" in str(caught.value)


def test_places() -> None:
    """A mistake stands at its key's line; in JSON, at its pointer."""
    text = _replaced('"10%"\nstarts', '"10"\nstarts')
    with pytest.raises(sk.CatalogError) as caught:
        sk.Catalog.loads(text, file="s.toml")
    (problem,) = caught.value.problems
    line = text.split("\n").index('amount = "10"') + 1
    assert (problem.line, problem.kind, problem.name) == (line, "goal", "win_back")
    told = sk.Catalog.loads(FILE).to_dict()
    told["goals"]["win_back"]["amount"] = "10"
    with pytest.raises(sk.CatalogError) as caught:
        sk.Catalog.from_json(told)
    assert "/goals/win_back/amount" in str(caught.value)


def test_what_rests_on_mistakes_is_left_out_with_them() -> None:
    """And only what is wrong itself is told of, unless the rest is left out too."""
    text = _replaced("count(orders) < :least", "count(ordrs) < 3")
    with pytest.raises(sk.CatalogError) as caught:
        sk.Catalog.loads(text)
    assert [each.diagnostic.code for each in caught.value.problems] == ["SK102"]
    catalog = sk.Catalog.loads(text, skip_broken=True)
    assert set(catalog.broken) == {
        "at_risk", "goal win_back", "handover mail", "handover calls", "handover removal"
    }  # fmt: skip
    assert (dict(catalog.goals), dict(catalog.handovers)) == ({}, {})
    text = _replaced("sum(orders.amount in last 30 days)", "sum(orders.amunt)")
    assert set(sk.Catalog.loads(text, skip_broken=True).broken) == {
        "trait spent", "goal win_back", "handover mail"
    }  # fmt: skip
    text = _replaced("by = 2026-10-31", "by = 2026-06-30")
    found = sk.Catalog.loads(text, skip_broken=True)
    assert set(found.broken) == {"goal win_back", "handover mail"}
    assert set(found.handovers) == {"calls", "removal"}


def test_without_a_schema_they_are_read() -> None:
    """Their form is that of tables; what it means, a schema says."""
    assert set(read_catalog(FILE).goals) == {"win_back"}
    with pytest.raises(sk.CatalogError, match="SK304 goals must be a table"):
        read_catalog("language = 1\ngoals = 3\n")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"amount": 5.5}, "amount must be such as"),
        ({"hold_out": "0%"}, "hold_out must be a share"),
        ({"direction": "sideways"}, 'direction must be "up" or "down"'),
        ({"starts": "2026"}, "starts must be a day"),
    ],
)
def test_goals_of_python_are_checked(given: dict[str, Any], says: str) -> None:
    """By the same rules as those of files."""
    catalog = sk.Catalog.loads(HEAD)
    told: dict[str, Any] = {
        "amount": "10%", "starts": date(2026, 7, 1), "by": date(2026, 9, 1), "hold_out": "10%"
    }  # fmt: skip
    told |= given
    amount = told.pop("amount")
    with pytest.raises(sk.UsageError, match=says):
        sk.Goal.define("g", catalog["at_risk"], catalog.traits["spent"], amount, **told)


def test_the_command_lists_them_as_users(run: Run, tmp_path: Path) -> None:
    """With the line on which they begin."""
    tmp_path.joinpath("shop.toml").write_text(FILE, encoding="utf-8")
    lines = FILE.split("\n")
    found = run("uses", "trait spent", "shop.toml")
    assert found.code == 0
    assert found.out.split("\n")[:2] == [
        f"shop.toml:{lines.index('[goals.win_back]') + 1} goal 'win_back' trait spent",
        f"shop.toml:{lines.index('[handovers.mail]') + 1} handover 'mail' trait spent",
    ]
