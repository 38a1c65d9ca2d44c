"""Once a week: how much this agency publishes, rounded, for everybody (specs/02-charter.md §10)."""

from node.membership.hub import HubMembership
from protocol.governance import figures
from protocol.messages.members import FiguresBody
from runtime.logs import log

AGAIN_SECONDS = 3600


class WeeklyFigures:
    """The figures of one node at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership
        self._not_before = 0

    async def step(self) -> None:
        """Say them if a week has passed since they were said; not of a backup that does not know
        yet what it missed. Raises RemoteError.
        """
        membership, now = self._membership, self._membership.env.clock()
        directory, party_id = membership.directory, membership.hub.party_id
        said = directory.figures.get(party_id)
        due = said is None or said.iat + figures.WEEK <= now
        if not due or now < self._not_before or directory.active(party_id) is None:
            return
        resync = await membership.engine.read(lambda t: t.resyncs.get(membership.hub.hub_id))
        if resync is not None and resync.under_way:
            return
        self._not_before = now + AGAIN_SECONDS  # whatever the hub says to it
        await membership.say(await self.now())
        await membership.follow()
        log.info("figures_said")

    async def now(self) -> FiguresBody:
        """What they are now."""
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        totals = await self._membership.engine.read(lambda t: t.figures.totals(hub_id, now))
        age = (now - totals.last_feed) // figures.DAY if totals.last_feed is not None else None
        return FiguresBody(
            clients=figures.in_tens(totals.published[0]),
            shares=figures.shares(totals.published, totals.permitted),
            feed_age_days=min(figures.OLDEST_DAYS, max(0, age)) if age is not None else None,
            practitioners=figures.band(totals.practitioners),
        )
