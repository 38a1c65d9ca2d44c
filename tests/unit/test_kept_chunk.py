"""A chunk of tokens as the hub keeps it: each set's commitment, and tokens under the pepper."""

import hashlib
import hmac
from base64 import b64decode
from types import SimpleNamespace
from typing import Any

from hub.matching.pepper import Pepper
from hub.matching.publications import kept_chunk, peppered_stubs
from protocol.canonical import JsonValue
from protocol.commitments import commit
from protocol.fields import to_base64
from protocol.messages.bodies import StubTokens, TokensChunk
from protocol.wire import encode_wire

PEPPER = b"pepper" * 6
SETS: list[dict[str, list[bytes]]] = [
    {"name_dob.1": [b"a" * 16], "name_pc_dob.3": [b"\n" * 16, b"c" * 16, b"d" * 16]},
    {"given_addr.2": [b"\xff" * 16, b"\xfb" * 16], "nid_dob.1": [b"a" * 16]},
    {"family_dob_mi.2": [bytes(16)]},
]


def test_tokens_and_commitments_come_back_as_the_specification_has_them() -> None:
    sets = [
        StubTokens(
            stub_id=f"{number:032x}",
            salt=hashlib.sha256(b"%d" % number).hexdigest(),
            tokens={key: [*map(to_base64, values)] for key, values in tokens.items()},
        )
        for number, tokens in enumerate(SETS)
    ]
    data = encode_wire(TokensChunk(tokens=sets))
    ref = SimpleNamespace(hash=hashlib.sha256(data).hexdigest(), length=len(data), count=len(sets))
    manifest: Any = SimpleNamespace(body=SimpleNamespace(rows=[], tokens=[ref]))

    kept = kept_chunk(Pepper(PEPPER), manifest, data)

    for text in (text for item in sets for texts in item.tokens.values() for text in texts):
        assert text.encode() not in kept
        assert b64decode(text) not in kept
    found = peppered_stubs(kept)
    assert [item.stub_id for item in found] == [item.stub_id for item in sets]
    for item, sent, tokens in zip(found, sets, SETS, strict=True):
        opened: JsonValue = {"stub_id": sent.stub_id, "tokens": sent.tokens}
        assert item.commitment == commit(bytes.fromhex(sent.salt), opened)
        assert item.tokens == {
            key: [hmac.digest(PEPPER, value, "sha256")[:16] for value in values]
            for key, values in tokens.items()
        }
