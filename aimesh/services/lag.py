"""Reading how far consumer groups have come in their topics."""

from __future__ import annotations

from collections.abc import Sequence

from aimesh.core.lag import Sample
from aimesh.hops import Hop
from aimesh.services.kafka import KafkaAdmin

# seconds between two looks at what changes seldom: members, beginnings of logs, optional hops
SELDOM = 5.0


class LagReader:
    """Samples hops through one connection to Kafka's administration.

    Arguments:
        admin: the connection; it is made when it is needed.
        hops: those that every mesh has, with topics of so many ``partitions``.
        optional: those that count where their topic is there and their group ever read it.
    """

    def __init__(
        self, admin: KafkaAdmin, hops: Sequence[Hop], optional: Sequence[Hop], partitions: int
    ) -> None:
        self._admin = admin
        self._always = tuple(hops)
        self._optional = tuple(optional)
        self._topics = {hop.topic: partitions for hop in hops}
        self._begins: dict[tuple[str, int], int] = {}
        self._looked_at = 0.0
        #: What is measured, those that every mesh has first.
        self.hops: tuple[Hop, ...] = self._always
        #: How many members each group has.
        self.members: dict[str, int] = {}

    async def sampled(self, at: float) -> dict[Hop, Sample]:
        """Return a sample of every hop.

        Arguments:
            at: the Unix time now.

        Raises:
            UnavailableError, OSError, TimeoutError: the broker does not answer.
        """
        if not self._admin.is_connected:
            await self._admin.start()
        looks = at - self._looked_at >= SELDOM or at < self._looked_at
        if looks:
            await self._find()
        groups = dict.fromkeys(hop.group for hop in self.hops)
        committed = {group: await self._admin.committed(group) for group in groups}
        ends = await self._admin.ends(self._topics)
        if looks:
            self.members = await self._admin.members(groups)
            self._begins = await self._admin.beginnings(self._topics)
            self._looked_at = at
        samples = {}
        for hop in self.hops:
            places = [place for place in ends if place[0] == hop.topic]
            done = committed[hop.group]
            # a group that never committed starts at the log's beginning
            reached = sum(max(done.get(place, 0), self._begins[place]) for place in places)
            samples[hop] = Sample(at, sum(ends[place] for place in places), reached)
        return samples

    async def _find(self) -> None:
        """Look which of the optional hops there are."""
        wanted = {hop.topic for hop in self._optional}
        if not wanted:
            return
        groups = dict.fromkeys(hop.group for hop in self._optional)
        read = [place for group in groups for place in await self._admin.committed(group)]
        members = await self._admin.members(groups)
        live = {group for group, count in members.items() if count}
        topics = await self._admin.partitions(wanted) if read or live else {}
        found = [
            hop
            for hop in self._optional
            if hop.topic in topics
            and (hop.group in live or any(topic == hop.topic for topic, _ in read))
        ]
        self.hops = (*self._always, *found)
        always = {hop.topic: self._topics[hop.topic] for hop in self._always}
        self._topics = always | {hop.topic: topics[hop.topic] for hop in found}
