"""The README.txt of an evidence bundle: what it shows, and how to see that with `openssl`.

specs/08-audit.md §7. Written for an expert who has never heard of Patchwork. Pure text.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from audit.rules.history import party_names
from audit.verify.verify import Verified
from protocol.counted import counted
from protocol.fields import WireModel
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.leaf import LeafKind, parse_leaf
from protocol.log.merkle import leaf_hash
from protocol.messages.statement import Statement

VERIFY = "openssl pkeyutl -verify -pubin -inkey {key} -rawin -in {signed} -sigfile {signature}"


def read_me(
    index: int,
    verified: Verified,
    statement: Statement[WireModel],
    key_place: str,
    files: Mapping[str, bytes],
) -> str:
    """The text. `key_place` is the file in which the log says whose the signer's key is."""
    sections = (
        _what(index, verified, statement),
        _step_leaf(index, files),
        _step_tree(index, files),
        _step_checkpoint(verified, files),
        _step_signature(statement, key_place, files),
        _step_charters(verified),
        _not_shown(),
    )
    return "\n".join(line for section in sections for line in (*section, "")) + "\n"


def when(seconds: int) -> str:
    """A time in words, UTC."""
    if not 0 <= seconds < 253_402_300_800:
        return f"{seconds} seconds after 1970"
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %B %Y, %H:%M:%S UTC")


def _what(index: int, verified: Verified, statement: Statement[WireModel]) -> Iterator[str]:
    preamble = statement.preamble
    names = party_names(verified.directory)
    yield f"EVIDENCE OF ENTRY {index} OF THE LOG {preamble.log_origin}"
    yield ""
    yield f"Kind:      {preamble.kind}"
    yield f"From:      {names.get(preamble.sender, 'unknown')} ({preamble.sender})"
    yield f"To:        {names.get(preamble.aud, 'unknown')} ({preamble.aud})"
    yield f"Dated:     {when(preamble.iat)}"
    yield f"Statement: {statement.id}"
    yield ""
    yield "Run each command in this folder. You need to trust one value only, which is not in this"
    yield "folder: the genesis fingerprint. Take it from the sharing agreement of an agency, or"
    yield "better of two."


def _step_leaf(index: int, files: Mapping[str, bytes]) -> Iterator[str]:
    yield "1. THE MESSAGE IS THE ONE THAT WAS LOGGED"
    yield ""
    if "entry/salt" in files:
        body = parse_leaf(files["entry/leaf"]).body.hex()
        yield "   (printf 'patchwork.leaf.v1\\n'; cat entry/salt entry/envelope) | openssl sha256"
        yield f"   must give {body}"
        yield "   which are the last 32 bytes of the leaf; the first two say that it is sealed:"
        yield "   tail -c 32 entry/leaf | od -An -v -tx1 | tr -d ' \\n'"
        yield f"   must give {body}"
        yield "   head -c 2 entry/leaf | od -An -tx1"
        yield "   must show: 01 01"
        return
    kind = "02" if parse_leaf(files["entry/leaf"]).kind is LeafKind.PUBLIC else "03"
    yield "   tail -c +3 entry/leaf | cmp - entry/envelope && echo same     must say: same"
    yield f"   head -c 2 entry/leaf | od -An -tx1            must show 01 {kind}"
    yield f"   Entry {index} is public: anybody can read it in the log."


def _step_tree(index: int, files: Mapping[str, bytes]) -> Iterator[str]:
    _, checkpoint = parse_checkpoint(files["checkpoint/note"])
    yield "2. THE ENTRY IS IN THE LOG"
    yield ""
    yield f"   entry/proof (format c2sp.org/tlog-proof@v1) leads from the leaf, number {index} of"
    yield f"   {checkpoint.size}, to the root {checkpoint.root.hex()}."
    yield "   Start with SHA-256 of a zero byte and the leaf:"
    yield "   (printf '\\000'; cat entry/leaf) | openssl sha256"
    yield f"   must give {leaf_hash(files['entry/leaf']).hex()}"
    yield "   Each line of the proof is a neighbour in base64; two neighbours give SHA-256 of a one"
    yield "   byte, the left, the right (RFC 9162, section 2.1.3.2). The scripts in"
    yield "   docs/explain/evidence.md do it. The last hash must be the third"
    yield "   line of checkpoint/note."


def _step_checkpoint(verified: Verified, files: Mapping[str, bytes]) -> Iterator[str]:
    charter = verified.directory.charter
    yield "3. THE LOG AND ITS WITNESSES SIGNED THAT STATE OF THE LOG"
    yield ""
    yield "   " + _verify("checkpoint")
    yield "   must say: Signature Verified Successfully"
    for number, witness in enumerate(charter.witnesses, 1):
        if f"witness-{number}/signed" in files:
            time = int(files[f"witness-{number}/signed"].split(b"\n")[1].split()[1])
            yield f"   Witness {witness.name}, {when(time)}:"
            yield "   " + _verify(f"witness-{number}")
    yield "   Each must say: Signature Verified Successfully"
    yield "   head -n 3 checkpoint/note | cmp - checkpoint/signed && echo same"
    yield "   must say: same"
    needed = counted(charter.quorum, "witness is", "witnesses are")
    yield f"   At least {needed} needed. Their keys and the log's are in"
    yield f"   charters/{charter.version}/document, under witnesses and log (vkey: the key is the"
    yield "   base64 after the second +, without its first byte)."


def _step_signature(
    statement: Statement[WireModel], key_place: str, files: Mapping[str, bytes]
) -> Iterator[str]:
    yield "4. THE SENDER SIGNED THE MESSAGE"
    yield ""
    yield "   " + VERIFY.format(
        key="signer/key.pem", signed="entry/signed", signature="entry/signature"
    )
    yield "   must say: Signature Verified Successfully"
    yield "   entry/signed is `DSSEv1 <length> <type> <length> <payload>` with payload and type as"
    yield "   entry/envelope has them; the payload is base64 of JSON, which you can read:"
    yield '   sed \'s/.*"payload":"\\([^"]*\\)".*/\\1/\' entry/envelope | openssl base64 -d -A'
    yield "   The key in signer/key.pem must be the one that the log holds for"
    yield f"   {statement.preamble.sender}, in {key_place}."
    if "signer/leaf" in files:
        yield "   That is itself an entry: signer/proof proves it as in step 2."
    yield "   openssl pkey -pubin -in signer/key.pem -outform DER | tail -c 32 | od -An -v -tx1"
    yield "   shows the key in hexadecimal, as it is written there under sign."


def _step_charters(verified: Verified) -> Iterator[str]:
    first, *others = verified.directory.charters
    yield "5. THE CHARTER IS THE ONE THAT THE AGENCIES SIGNED"
    yield ""
    yield "   (printf '\\000'; cat charters/1/leaf) | openssl sha256"
    yield "   must give the genesis fingerprint of the sharing agreement."
    yield "   openssl sha256 charters/1/document"
    yield f"   must give {first.charter.document_hash}"
    yield "   which is in the payload of charters/1/leaf as document_hash."
    for version in others:
        number = version.charter.version
        yield f"   Charter {number} names charter {number - 1} as predecessor and is signed by its"
        yield f"   hub: check charters/{number} as in steps 2 and 4."


def _not_shown() -> Iterator[str]:
    yield "WHAT THIS DOES NOT SHOW"
    yield ""
    yield "   That what the message says is true. That nobody else used the key. That no later"
    yield "   entry changed the key: the whole log is public and shows that. Who the client is: the"
    yield "   log does not hold that."


def _verify(place: str) -> str:
    return VERIFY.format(
        key=f"{place}/key.pem", signed=f"{place}/signed", signature=f"{place}/signature"
    )
