"""Mail to one address at a time, by SMTP (RFC 5321). It knows nothing of what a mail is about.

Nothing that a server answers is logged or passed on: it may hold the address.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from enum import Enum, auto
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
)

from protocol.errors import ErrorCode, RemoteError

SECONDS = 30.0
"""How long a server may take to answer one command."""
PERMANENT, POLICY = 500, "5.7."


@dataclass(frozen=True, repr=False)
class MailServer:
    """Where mail is handed over, and from which address; no user: no login."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    sender: str
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        """Say nothing of the password."""
        return "MailServer(hidden)"


@dataclass(frozen=True, repr=False)
class Mail:
    """One mail in plain text. `message_id`: random, the same each time that it is tried, so that a
    mailbox that gets it twice can tell. `at`: Unix seconds.
    """

    to: str
    subject: str
    text: str
    message_id: str
    at: int

    def __repr__(self) -> str:
        """Say nothing of whose it is."""
        return "Mail(hidden)"


class Outcome(Enum):
    """What a server did with one mail: took it, will never take any for that address, or may take
    it later.
    """

    TAKEN = auto()
    REFUSED = auto()
    LATER = auto()


Post = Callable[[Mail], Awaitable[Outcome]]


@asynccontextmanager
async def connected(server: MailServer) -> AsyncIterator[Post]:
    """A connection to the server, and what hands one mail over. Raises RemoteError(UNREACHABLE)
    wherever the server, not one address, is the trouble.
    """
    client = SMTP(
        hostname=server.host,
        port=server.port,
        timeout=SECONDS,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        username=server.user or None,
        password=server.password or None,
        local_hostname=_domain(server),  # else this machine's name goes out with every mail
        tls_context=ssl.create_default_context() if server.tls != "none" else None,
    )
    try:
        async with asyncio.timeout(2 * SECONDS):
            await client.connect()
        yield lambda mail: _post(client, server, mail)
    except (SMTPException, OSError) as error:
        detail = f"the mail server: {type(error).__name__}"
        raise RemoteError(ErrorCode.UNREACHABLE, detail) from None
    finally:
        client.close()


async def _post(client: SMTP, server: MailServer, mail: Mail) -> Outcome:
    try:
        message = written(mail, server)
        async with asyncio.timeout(4 * SECONDS):
            await client.send_message(message, sender=server.sender, recipients=[mail.to])
    except SMTPRecipientsRefused as error:
        # 550 and 451 raise the same: only the code tells for good from for now. 5.7 is a rule of
        # the server (RFC 3463), as where it relays for nobody: the address may be a good one.
        answers = [(one.code, str(one.message)) for one in error.recipients]
        for_good = all(code >= PERMANENT and not text.startswith(POLICY) for code, text in answers)
        return Outcome.REFUSED if for_good else Outcome.LATER
    except SMTPDataError:
        return Outcome.LATER
    except (SMTPNotSupported, MessageError, ValueError, IndexError):
        return Outcome.REFUSED  # an address that cannot be written, or not to this server
    return Outcome.TAKEN


def written(mail: Mail, server: MailServer) -> EmailMessage:
    """The mail as it goes out: nothing in its headers is of this machine or of when things happened
    but the time at which it was sent. Raises ValueError, MessageError or IndexError for no address.
    """
    message = EmailMessage(SMTP_POLICY)
    message["From"] = Address(addr_spec=server.sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = formatdate(mail.at)
    message["Message-ID"] = f"<{mail.message_id}@{_domain(server)}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    message.set_content(mail.text)
    return message


def _domain(server: MailServer) -> str:
    return server.sender.rpartition("@")[2]
