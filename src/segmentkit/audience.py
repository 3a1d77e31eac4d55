"""An audience: the members of a segment whom you may contact through a channel."""

from __future__ import annotations

from attrs import field, frozen

from segmentkit._language import syntax as t
from segmentkit.segment import Segment, joined, junction
from segmentkit.trait import Trait


@frozen
class Audience:
    """The members of a segment that a channel reaches: they have an address and have consented.

    You cannot make an audience without the test of consent. If the function that sends takes an
    audience, nobody can pass it a bare segment.

    Args:
        base: The segment to reach.
        channel: The name of a channel that the schema declares.

    Attributes:
        segment: The base and ``reachable by`` the channel; evaluate this on a target.
        address: The address, as a trait.

    Raises:
        SegmentTypeError: The schema has no such channel.

    Example:
        >>> from segmentkit import BOOLEAN, TEXT, Attribute, Channel, Entity, Schema
        >>> attributes = [Attribute("email", TEXT, True), Attribute("opted_in", BOOLEAN, True)]
        >>> email = Channel("email", address="email", consent="opted_in")
        >>> people = Schema([Entity("people", key="id", attributes=attributes)], channels=[email])
        >>> everyone = Segment.define("everyone", "true", people)
        >>> letter = Audience(everyone, channel="email")
        >>> letter.segment
        Segment('everyone', 'true and reachable by email')
        >>> letter.segment.matches({"id": 7, "email": "ada@example.org", "opted_in": None})
        False
    """

    base: Segment
    channel: str = field(kw_only=True)
    segment: Segment = field(init=False)
    address: Trait = field(init=False)

    @segment.default
    def _segment(self) -> Segment:
        reachable = t.Reachable(self.channel, t.NOWHERE, t.NOWHERE)
        return junction(self.base.name, t.And, [self.base, joined(None, [self.base], reachable)])

    @address.default
    def _address(self) -> Trait:
        found = self.base.schema.channel(self.channel)
        assert found is not None
        return Trait.define(f"address for {self.channel}", found.address, self.base.schema)
