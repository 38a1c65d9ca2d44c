"""C2SP policies: the quorum is what the file says, and a file that says nonsense is refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import ErrorCode, RemoteError
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.log.tlog_policy import (
    TlogPolicy,
    parse_tlog_policy,
    simple_policy,
    verify_by_policy,
)
from protocol.signing import SecretSeed

LOG = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x01" * 32))
TWIN = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x09" * 32))
WITNESSES = {
    name: NoteSigner(f"{name.lower()}.example", SignatureType.COSIGNATURE_V1, SecretSeed(seed * 32))
    for name, seed in zip(
        ("X1", "X2", "X3", "Y1", "Y2"), (b"\x02", b"\x03", b"\x04", b"\x05", b"\x06"), strict=True
    )
}
HEAD = Checkpoint(LOG.name, 7, b"\x07" * 32)
VKEY = {name: item.key.text for name, item in WITNESSES.items()}

# The two-level example of the C2SP text, with keys: two of the X and any of the Y.
EXAMPLE = f"""# A comment, and an empty line after it

log {LOG.key.text} https://hub.example/log
witness X1 {VKEY["X1"]}
\twitness  X2\t{VKEY["X2"]} https://x2.example/ \t
witness X3 {VKEY["X3"]}
group X-witnesses 2 X1 X2 X3
 # another comment
witness Y1 {VKEY["Y1"]}
witness Y2 {VKEY["Y2"]}
group Y-witnesses any Y1 Y2
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
""".encode()


def cosigned(*names: str, by: NoteSigner = LOG) -> bytes:
    lines = [cosign_checkpoint(HEAD, WITNESSES[name], 1_790_000_000) for name in names]
    return sign_checkpoint(HEAD, by).with_signatures(lines).encode()


@pytest.mark.parametrize(
    ("names", "met"),
    [
        (("X1", "X2", "Y1"), True),
        (("X1", "X3", "Y2"), True),
        (("X1", "X2", "X3", "Y1", "Y2"), True),
        (("X1", "X2", "X3"), False),
        (("X1", "Y1", "Y2"), False),
        (("Y1",), False),
        ((), False),
    ],
)
def test_two_groups_must_both_have_witnessed(names: tuple[str, ...], met: bool) -> None:
    policy = parse_tlog_policy(EXAMPLE)
    if met:
        assert verify_by_policy(cosigned(*names), policy).checkpoint == HEAD
        return
    with pytest.raises(RemoteError) as caught:
        verify_by_policy(cosigned(*names), policy)
    assert caught.value.code is ErrorCode.NO_QUORUM


def test_a_witness_that_signs_twice_is_one_witness() -> None:
    line = cosign_checkpoint(HEAD, WITNESSES["X1"], 1_790_000_001)
    twice = cosigned("X1", "Y1").decode() + line.line().decode()
    with pytest.raises(RemoteError) as caught:
        verify_by_policy(twice.encode(), parse_tlog_policy(EXAMPLE))
    assert caught.value.code is ErrorCode.NO_QUORUM


def test_quorum_none_asks_for_the_log_alone_and_a_stranger_is_no_log() -> None:
    policy = parse_tlog_policy(f"log {LOG.key.text}\nquorum none\n".encode())
    assert verify_by_policy(cosigned(), policy).cosigners == {}
    with pytest.raises(RemoteError) as caught:
        verify_by_policy(cosigned(by=TWIN), policy)
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_either_of_two_logs_will_do() -> None:
    policy = parse_tlog_policy(
        f"log {TWIN.key.text}\nlog {LOG.key.text}\nwitness w {VKEY['X1']}\nquorum w\n".encode()
    )
    for signer in (LOG, TWIN):
        assert verify_by_policy(cosigned("X1", by=signer), policy).checkpoint == HEAD


def test_a_signature_that_does_not_fit_rejects_whatever_the_quorum_is() -> None:
    good = cosigned("X1").decode().splitlines(keepends=True)
    other = Checkpoint(LOG.name, 8, b"\x08" * 32)
    good[-1] = cosign_checkpoint(other, WITNESSES["X1"], 1_790_000_000).line().decode()
    policy = parse_tlog_policy(
        f"log {LOG.key.text}\nwitness w {VKEY['X1']}\nquorum none\n".encode()
    )
    with pytest.raises(RemoteError) as caught:
        verify_by_policy("".join(good).encode(), policy)
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_a_charter_as_a_policy_file_is_read_back_and_asks_for_as_many() -> None:
    keys = [item.key for item in WITNESSES.values()]
    text = simple_policy(LOG.key, keys, 3).encode()
    policy = parse_tlog_policy(text)
    assert verify_by_policy(cosigned("X1", "X2", "Y1"), policy).checkpoint == HEAD
    with pytest.raises(RemoteError):
        verify_by_policy(cosigned("X1", "X2"), policy)


W = f"witness a {VKEY['X1']}\nwitness b {VKEY['X2']}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.MALFORMED),
        ("quorum none", ErrorCode.MALFORMED),  # no newline at the end
        (W, ErrorCode.MALFORMED),  # no quorum
        ("quorum none\nquorum none\n", ErrorCode.MALFORMED),
        ("quorum a\n" + W, ErrorCode.MALFORMED),  # only names that came before
        ("quorum none\r\n", ErrorCode.MALFORMED),
        ("quorum none\x00\n", ErrorCode.MALFORMED),
        ("quorum none\x7f\n", ErrorCode.MALFORMED),
        ("Quorum none\n", ErrorCode.MALFORMED),
        ("quorum none none\n", ErrorCode.MALFORMED),
        ("log\nquorum none\n", ErrorCode.MALFORMED),
        (f"log {VKEY['X1']}\nquorum none\n", ErrorCode.UNKNOWN_KIND),
        (f"witness a {LOG.key.text}\nquorum none\n", ErrorCode.UNKNOWN_KIND),
        (f"log {LOG.key.text} u v\nquorum none\n", ErrorCode.MALFORMED),
        (f"log {LOG.key.text}\n" * 2 + "quorum none\n", ErrorCode.CONFLICT),
        (f"{W}witness c {VKEY['X1']}\nquorum none\n", ErrorCode.CONFLICT),
        (f"{W}witness a {VKEY['X3']}\nquorum none\n", ErrorCode.MALFORMED),
        (f"witness none {VKEY['X1']}\nquorum none\n", ErrorCode.MALFORMED),
        (f"{W}group none any a\nquorum none\n", ErrorCode.MALFORMED),
        (f"{W}group g any\nquorum none\n", ErrorCode.MALFORMED),
        (f"{W}group g 0 a b\nquorum g\n", ErrorCode.MALFORMED),
        (f"{W}group g 3 a b\nquorum g\n", ErrorCode.MALFORMED),
        (f"{W}group g 02 a b\nquorum g\n", ErrorCode.MALFORMED),
        (f"{W}group g some a b\nquorum g\n", ErrorCode.MALFORMED),
        (f"{W}group g 2 a a\nquorum g\n", ErrorCode.MALFORMED),
        (f"{W}group g any a\ngroup h any a b\nquorum h\n", ErrorCode.MALFORMED),
        (f"{W}group g any g\nquorum g\n", ErrorCode.MALFORMED),
        (f"{W}group g any a none\nquorum g\n", ErrorCode.MALFORMED),
        (f"{W}group g any h\ngroup h any a\nquorum g\n", ErrorCode.MALFORMED),
        ("#\n" * 1001 + "quorum none\n", ErrorCode.TOO_LARGE),
    ],
)
def test_a_policy_that_says_nonsense_is_refused(text: str, code: ErrorCode) -> None:
    with pytest.raises(RemoteError) as caught:
        parse_tlog_policy(text.encode())
    assert caught.value.code is code


def test_names_are_bytes_and_not_letters() -> None:
    latin = f"witness \xe9 {VKEY['X1']}\nquorum \xe9\n"
    policy = parse_tlog_policy(latin.encode("latin-1").replace(b"\xc3", b""))
    assert policy.quorum == b"\xe9"
    with pytest.raises(RemoteError):
        parse_tlog_policy(f"witness \xe9 {VKEY['X1']}\n".encode("latin-1") + b"quorum \xc3\xa9\n")


words = st.sampled_from(
    [
        b"log",
        b"witness",
        b"group",
        b"quorum",
        b"none",
        b"a",
        b"b",
        b"any",
        b"all",
        b"2",
        b"#",
        b"\xff",
    ]
    + [item.encode() for item in (LOG.key.text, *VKEY.values())]
)
lines = st.lists(words, max_size=6).map(b" ".join)


@given(st.lists(lines, max_size=8).map(lambda items: b"\n".join([*items, b""])) | st.binary())
@example(EXAMPLE)
def test_any_bytes_are_a_policy_or_are_refused(data: bytes) -> None:
    try:
        policy = parse_tlog_policy(data)
    except RemoteError:
        return
    assert isinstance(policy, TlogPolicy)
    again = parse_tlog_policy(policy.encode())
    assert again == policy
    assert again.encode() == policy.encode()


def policy(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (EXAMPLE + b"# \x00\n", ErrorCode.MALFORMED),
        (EXAMPLE + b"# \x7f\n", ErrorCode.MALFORMED),
        (EXAMPLE[:-1] + b"x", ErrorCode.MALFORMED),
        (EXAMPLE + b"#" * 65_536 + b"\n", ErrorCode.TOO_LARGE),
        (policy(f"witness w {VKEY['X1']}", "group g", "quorum w"), ErrorCode.MALFORMED),
        (
            policy(
                f"witness w {VKEY['X1']}", f"witness v {VKEY['X2']}",
                "group g 1 w", "group g 1 v", "quorum g",
            ),
            ErrorCode.MALFORMED,
        ),
        (policy(f"log {LOG.key.text}", "quorum none").replace(b"log ", b"log \xff"),
         ErrorCode.MALFORMED),
    ],
)  # fmt: skip
def test_a_policy_that_would_do_but_for_one_thing_is_refused(data: bytes, code: ErrorCode) -> None:
    assert parse_tlog_policy(EXAMPLE).quorum == b"X-and-Y"
    with pytest.raises(RemoteError) as caught:
        parse_tlog_policy(data)
    assert caught.value.code is code


def test_of_two_logs_that_signed_the_one_of_this_origin_counts() -> None:
    """A mirror signs what it has copied; it is no log of that name."""
    mirror = NoteSigner("mirror.example/log", SignatureType.ED25519, SecretSeed(b"\x0a" * 32))
    held = parse_tlog_policy(policy(f"log {mirror.key.text}", f"log {LOG.key.text}", "quorum none"))
    signed = sign_checkpoint(HEAD, LOG)
    both = signed.with_signatures([mirror.sign(signed.text)])
    assert verify_by_policy(both.encode(), held).checkpoint == HEAD
    alone = type(signed)(signed.text, (mirror.sign(signed.text),))
    with pytest.raises(RemoteError) as caught:
        verify_by_policy(alone.encode(), held)
    assert caught.value.code is ErrorCode.BAD_SIGNATURE
    assert held.encode().endswith(b"\nquorum none\n")
