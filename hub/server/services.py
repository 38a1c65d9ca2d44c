"""The parts of a running hub, as its routes and its jobs share them."""

from dataclasses import dataclass

from hub.exchange.intake import Intake
from hub.exchange.mailboxes import Mailbox
from hub.log.led import LedEngine
from hub.log.ledger import HubSigner
from hub.log.publisher import Publisher
from hub.store.tables import HubEngine


@dataclass(frozen=True)
class Services:
    """The parts of a running hub. Who is who, and by what charter, each reads in its transaction:
    none of them keeps a directory. What only the process that leads may write goes through `led`.
    """

    engine: HubEngine
    led: LedEngine
    signer: HubSigner
    intake: Intake
    mailbox: Mailbox
    publisher: Publisher
