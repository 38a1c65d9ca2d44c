"""Which clients need no drafting: all that their stubs are made of is as it was.

What may be published is looked up each time; match keys, tokens and limits cost by far the most and
follow from what is compared here alone: the record and what may be shown, the charter in our words,
the places that many people share, and the recipes' version. It is compared by a digest under the
key of the token cache, so that a new key drafts everything anew.
"""

from collections.abc import Mapping, Sequence

from node.membership.hub import HubMembership
from node.publishing.tokens import TokenCache
from node.publishing.works import Shown
from node.store.records import Client
from node.store.stubs import PublishedInvolvementId, PublishedStub
from protocol import canonical

DRAFTING = 1
"""To be raised with every change of what a draft says of the same client under the same charter."""


class Settled:
    """Names what stubs at one hub are made of, under the charter in force."""

    def __init__(self, membership: HubMembership, cache: TokenCache) -> None:
        self._cache = cache
        charter, shared = membership.charter.model_dump(mode="json"), membership.shared_places
        terms: canonical.JsonValue = [
            DRAFTING,
            membership.hub.hub_id,
            charter,
            membership.terms.model_dump(mode="json"),
            sorted(shared.postcodes),
            repr(shared.addresses),
        ]
        self._terms = cache.name(canonical.encode(terms))

    def made_of(
        self, client: Client, works: Sequence[Shown], ids: Mapping[int, PublishedInvolvementId]
    ) -> bytes | None:
        """A name for all that a stub of a client would be made of; None where the hub does not know
        all of their work yet.
        """
        record = client.record
        said: list[object] = [
            record.nhs_number, record.given, record.middle, record.family, record.date_of_birth,
            record.sex, record.address, record.postcode, record.locality,
        ]  # fmt: skip
        for item in works:
            work = item.involvement
            if work.id not in ids:
                return None
            said += (
                ids[work.id].involvement_id, item.kind.code, item.label, item.basis.code,
                item.valid_until, item.consent_date, work.ended_at, item.shown_to,
            )  # fmt: skip
        return self._cache.name(self._terms + repr(said).encode())

    @staticmethod
    def is_of(stub: PublishedStub | None, made_of: bytes | None) -> bool:
        """Whether the hub has a stub that is made of this."""
        return (
            stub is not None
            and made_of is not None
            and stub.made_of == made_of
            and not stub.retired
            and stub.revision > 0
            and stub.published_hash != ""
        )
