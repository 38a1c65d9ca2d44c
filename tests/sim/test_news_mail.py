"""Mail that there is news: a real mail server gets it, byte by byte, and not a word of what."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from node.alarms import AlarmCode
from node.config import MailSettings, MailWish
from node.news.mailing import NewsMailer
from node.news.telling import Event, tell
from node.records import people
from node.store.news import NewsKind
from node.store.people import PersonKind
from node.views.inbox import alarms_value
from protocol.errors import LocalError
from tests.sim.federation import SimFederation, SimNode
from tests.sim.post_office import PostOffice, open_office
from tests.sim.test_news import person, said
from tests.sim.test_review import say
from tests.sim.test_succession import alarms

Agencies = tuple[SimNode, SimNode]
HOUR, DAY = 3600, 86_400
LONDON = ZoneInfo("Europe/London")
SECRETS = (b"Worker", b"Visitor", b"c1", b"h1", b"Hassan", b"Health", b"Social", b"found", b"asked",
           b"card", b"1 ", b"2 ", b"10 ")  # fmt: skip
"""What a mail may not hold: people, clients, agencies, what happened, how much of it."""
BODY = "There is news for you in Patchwork. Sign in to see it.\n\nhttps://patchwork.care.example/\n"


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with open_office(PostOffice()) as opened:
        yield opened


def settings(port: int, **change: Any) -> MailSettings:
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "patchwork@care.example",
        "web_address": "https://patchwork.care.example/",
        "usual": MailWish.AT_ONCE,
    }
    return MailSettings(**{**usual, **change})


def mailer(node: SimNode, port: int, **change: Any) -> NewsMailer:
    """What the running node has; made anew it is the node started again."""
    held = node.membership
    return NewsMailer(held.engine, settings(port, **change), (node.folder, LONDON), held.env)


async def happens(node: SimNode, name: str, *subjects: str) -> None:
    """Something to hear of at once, for somebody."""
    who, hub_id, now = (
        await person(node, name),
        node.membership.hub.hub_id,
        node.membership.env.clock(),
    )
    events = [Event(NewsKind.LEFT, 1, subject, people=(who,)) for subject in subjects]
    await node.write(lambda tables: tell(tables, hub_id, events, now))


async def another(node: SimNode, name: str, address: str) -> None:
    """Somebody else who works here, and reads mail at this address."""
    now = node.membership.env.clock()
    await node.write(lambda tables: people.register(tables, name, "", PersonKind.WORKER, now))
    await node.write(lambda tables: people.set_mail(tables, name, MailWish.AT_ONCE, address))


async def test_ten_events_of_a_minute_are_one_mail_without_a_word_of_them(
    federation: SimFederation, agencies: Agencies, office: PostOffice
) -> None:
    _, care = agencies
    sends = mailer(care, office.port, quiet_seconds=120)
    for number in range(10):
        await happens(care, "S. Worker", f"{number}")
        federation.clock.now += 6
        assert await sends.step() == 0, "it waits for what else comes"
    federation.clock.now += 60
    assert await sends.step() == 1
    ((to, mail),) = office.mails()
    assert (to, mail["To"], mail["From"]) == (
        "w@agency.example", "w@agency.example", "patchwork@care.example"
    )  # fmt: skip
    assert mail["Subject"] == "Patchwork"
    assert str(mail.get_payload()).replace("\r\n", "\n") == BODY
    sent_at = parsedate_to_datetime(mail["Date"]).replace(tzinfo=UTC)
    assert mail["Date"].endswith("-0000"), "of no time zone"
    assert sent_at.timestamp() == federation.clock()
    _, raw = office.taken[0]
    letters = raw.replace(b"1.0", b"").replace(mail["Date"].encode(), b"")
    letters = letters.replace(mail["Message-ID"].encode(), b"")
    assert [word for word in SECRETS if word in letters] == []
    assert socket.gethostname().encode() not in raw
    assert office.greeted == ["care.example"], "this machine's name is not said either"
    federation.clock.now += DAY
    assert (await sends.step(), len(office.taken)) == (0, 1), "there is nothing else"
    await happens(care, "S. Worker", "later")
    federation.clock.now += 121
    assert await sends.step() == 1
    first, second = (mail for _, mail in office.mails())
    assert first["Message-ID"] != second["Message-ID"]
    assert [first["Subject"], first.get_payload()] == [second["Subject"], second.get_payload()]


async def test_who_takes_over_hears_by_mail_of_what_the_leaver_was_told_and_never_read(
    federation: SimFederation, agencies: Agencies, office: PostOffice
) -> None:
    _, care = agencies
    sends = mailer(care, office.port, quiet_seconds=120)
    await another(care, "N. Ext", "next@agency.example")
    await happens(care, "S. Worker", "1")
    federation.clock.now += 121
    assert await sends.step() == 1
    await care.write(lambda t: people.close(t, "S. Worker", "N. Ext", federation.clock()))
    assert await sends.step() == 1
    assert [to for to, _ in office.mails()] == ["w@agency.example", "next@agency.example"]
    assert await sends.step() == 0


async def test_a_digest_comes_once_a_day_whatever_else_comes_at_once(
    federation: SimFederation, agencies: Agencies, office: PostOffice
) -> None:
    """Social care found Amira's health visitor at 14:13 in summer; health visiting is a digest."""
    _, care = agencies
    sends = mailer(care, office.port, daily_hour=8)
    federation.clock.now += HOUR
    assert await sends.step() == 0
    to_seven = datetime(2026, 9, 22, 7, 59, tzinfo=LONDON).timestamp()
    federation.clock.now = int(to_seven)
    assert await sends.step() == 0
    federation.clock.now += 60
    assert await sends.step() == 1
    assert await said(care, "S. Worker") != [], "and there it is"


async def test_what_is_quiet_is_on_the_list_and_in_no_mail(
    federation: SimFederation, agencies: Agencies, office: PostOffice
) -> None:
    _, care = agencies
    await care.write(lambda tables: tables.tx.run("UPDATE news SET level = 'quiet'"))
    federation.clock.now += 3 * DAY
    assert await mailer(care, office.port).step() == 0
    assert len(await said(care, "S. Worker")) == 1


async def test_what_is_over_before_it_is_mailed_is_not_mailed(
    federation: SimFederation, unsure: Agencies, office: PostOffice
) -> None:
    """A possible match is answered by a colleague: there is nothing to sign in for."""
    _, care = unsure
    await say(care, "not_same")
    await federation.settle()
    federation.clock.now += HOUR
    assert await mailer(care, office.port).step() == 0
    assert office.asked == []


async def test_what_somebody_chose_and_what_they_have_seen(
    federation: SimFederation, agencies: Agencies, office: PostOffice
) -> None:
    health, care = agencies
    sends = mailer(care, office.port)
    who = "S. Worker"
    await said(care, who)
    await care.write(lambda tables: people.set_mail(tables, who, MailWish.NEVER, None))
    await happens(care, who, "1")
    federation.clock.now += 2 * DAY
    assert await sends.step() == 0
    await care.write(lambda tables: people.set_mail(tables, who, MailWish.DAILY, None))
    assert await said(care, who) != []
    assert await sends.step() == 0, "it was seen"
    await happens(care, who, "2")
    federation.clock.now += HOUR
    assert await sends.step() == 0
    federation.clock.now += DAY
    assert await sends.step() == 1
    await care.write(
        lambda tables: people.set_mail(tables, who, MailWish.AT_ONCE, "me@care.example")
    )
    await happens(care, who, "3")
    federation.clock.now += HOUR
    assert await sends.step() == 1
    assert office.asked == ["w@agency.example", "me@care.example"]
    await happens(care, who, "4")
    await care.write(lambda tables: people.close(tables, who, "", federation.clock()))
    federation.clock.now += DAY
    assert await sends.step() == 0, "who left gets nothing"
    await health.write(
        lambda tables: people.register(tables, "N. Oaddress", "", PersonKind.MANAGER, 0)
    )
    with pytest.raises(LocalError, match="--to"):
        await health.write(
            lambda tables: people.set_mail(tables, "N. Oaddress", MailWish.DAILY, None)
        )


async def test_a_server_that_is_down_delays_mail_and_nothing_else(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    office = PostOffice()
    with open_office(office):
        port = office.port
    await happens(care, "S. Worker", "1")
    federation.clock.now += 200
    assert await mailer(care, port).step() == 0
    assert await mailer(care, port).step() == 0, "it is not tried again at once"
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"
    assert AlarmCode.MAIL_DOWN not in await alarms(care)
    with capture_logs() as logs:
        for _ in range(70):
            federation.clock.now += 60
            assert await mailer(care, port).step() == 0, "whoever starts it again"
    waits = [item for item in logs if item["event"] == "mail_waits"]
    assert 4 < len(waits) < 8, "each time after twice as long"
    assert "agency.example" not in str(logs)
    assert AlarmCode.MAIL_DOWN in await alarms(care)
    with open_office(office, port=port):
        federation.clock.now += HOUR
        assert await mailer(care, port).step() == 1
    assert AlarmCode.MAIL_DOWN not in await alarms(care)
    assert len(office.taken) == 1


async def test_a_server_that_never_answers_holds_nothing_up(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It takes the connection and says nothing at all."""
    health, care = agencies
    await happens(care, "S. Worker", "1")
    federation.clock.now += 200
    connected, over, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await over.wait()
        writer.close()
        await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    sending = asyncio.create_task(mailer(care, server.sockets[0].getsockname()[1]).step())
    await connected.wait()
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"
    assert not sending.done()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    over.set()
    await closed.wait()
    server.close()
    office = PostOffice()
    with open_office(office):
        assert await mailer(care, office.port).step() == 1, "cut off, it was not lost"


async def test_an_address_that_is_refused_is_told_to_the_administrator_and_holds_up_nobody(
    federation: SimFederation, agencies: Agencies, office: PostOffice
) -> None:
    _, care = agencies
    office.answers["w@agency.example"] = "550 5.1.1 <w@agency.example>: no such user"
    await another(care, "N. Ext", "next@care.example")
    await happens(care, "S. Worker", "1")
    await happens(care, "N. Ext", "2")
    federation.clock.now += 200
    with capture_logs() as logs:
        assert await mailer(care, office.port).step() == 1
    assert [to for to, _ in office.taken] == ["next@care.example"]
    assert "agency.example" not in str(logs)
    told = await care.read(lambda tables: alarms_value(tables, care.membership))
    (alarm,) = (item for item in told if item["code"] == "mail_refused")
    assert alarm["about"] == "It is that of S. Worker (East)."
    assert "agency.example" not in str(alarm)
    federation.clock.now += 30 * DAY
    assert await mailer(care, office.port).step() == 0
    assert office.asked == ["w@agency.example", "next@care.example"], "it is not tried for ever"
    await care.write(
        lambda tables: people.set_mail(tables, "S. Worker", MailWish.AT_ONCE, "right@care.example")
    )
    assert await mailer(care, office.port).step() == 1, "what waited is not lost"
    assert AlarmCode.MAIL_REFUSED not in await alarms(care)


@pytest.mark.parametrize("answer", ["451 4.3.0 come back", "550 5.7.1 relaying denied"])
async def test_an_address_that_is_put_off_is_tried_again(
    federation: SimFederation, agencies: Agencies, office: PostOffice, answer: str
) -> None:
    """Both are the same exception; a rule of the server is not the address's fault."""
    _, care = agencies
    office.answers["w@agency.example"] = answer
    await happens(care, "S. Worker", "1")
    federation.clock.now += 200
    assert await mailer(care, office.port).step() == 0
    federation.clock.now += 61
    office.answers.clear()
    assert await mailer(care, office.port).step() == 1
    assert AlarmCode.MAIL_REFUSED not in await alarms(care)


async def test_two_starts_send_once_and_what_was_cut_off_goes_under_the_same_id(
    federation: SimFederation,
    agencies: Agencies,
    office: PostOffice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, care = agencies
    await happens(care, "S. Worker", "1")
    federation.clock.now += 200
    assert await mailer(care, office.port).step() == 1
    assert await mailer(care, office.port).step() == 0
    assert len(office.taken) == 1

    await happens(care, "S. Worker", "2")
    federation.clock.now += 200
    killed = mailer(care, office.port)
    with monkeypatch.context() as patch:
        patch.setattr(killed, "_note", _killed)
        with pytest.raises(KeyboardInterrupt):
            await killed.step()
    assert await mailer(care, office.port).step() == 1
    assert await mailer(care, office.port).step() == 0
    cut_off, again = (mail["Message-ID"] for _, mail in office.mails()[1:])
    assert cut_off == again, "the server had taken it, the node had not written so yet"


def _killed(*_args: object, **_more: object) -> None:
    raise KeyboardInterrupt


# The way to the server


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_password_goes_to_a_server_whose_name_is_proven_and_to_no_other(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,
) -> None:
    _, care = agencies
    pem, secret = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, secret)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    password = care.folder / "mail-password"
    password.write_text("a secret\n", encoding="utf-8")
    login = {"host": "localhost", "tls": "starttls", "user": "care", "password_file": password.name}
    office = PostOffice()
    await happens(care, "S. Worker", "1")
    federation.clock.now += 200
    with open_office(office, tls=context):
        password.chmod(0o644)
        with pytest.raises(LocalError, match="chmod 600"):
            mailer(care, office.port, **login).check()
        password.chmod(0o600)
        sends = mailer(care, office.port, **login)
        sends.check()
        assert "a secret" not in repr(vars(sends))
        password.rename(care.folder / "elsewhere")
        assert await sends.step() == 0, "it waits for its password, like for a server"
        (care.folder / "elsewhere").rename(password)
        federation.clock.now += 61
        assert await sends.step() == int(trusted)
    assert office.logins == ([(b"care", b"a secret")] if trusted else [])
    assert len(office.taken) == int(trusted)


async def test_nothing_goes_to_a_server_that_does_not_protect_the_way(
    federation: SimFederation, agencies: Agencies, office: PostOffice
) -> None:
    _, care = agencies
    await happens(care, "S. Worker", "1")
    federation.clock.now += 200
    assert await mailer(care, office.port, host="localhost", tls="starttls").step() == 0
    assert (office.taken, office.asked) == ([], [])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"host": "mail.care.example"}, "on this machine"),
        ({"user": "care"}, "go together"),
        ({"sender": "Patchwork <patchwork@care.example>"}, "alone"),
        ({"sender": "p@care.example\r\nBcc: all@care.example"}, "alone"),
        ({"web_address": "https://care.example/?who=S.Worker"}, "such as"),
        ({"daily_hour": 24}, "less than or equal to 23"),
        ({"quiet_seconds": 0}, "greater than or equal to 1"),
        ({"usual": "hourly"}, "at-once"),
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(25, **change)
