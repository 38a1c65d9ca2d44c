"""Errors as problem+json, both ways: specs/07-transport.md §4. A detail names a place, never a
value. No web server is needed here: a client reads problems too.
"""

from protocol import canonical
from protocol.errors import ErrorCode, PatchworkError, RemoteError

CONTENT_TYPE = "application/problem+json"


def problem_body(error: PatchworkError) -> bytes:
    """The body of the answer for an error."""
    text = error.text
    return canonical.encode(
        {
            "code": error.code.value,
            "title": text.title,
            "detail": error.detail,
            "what_to_do": text.what_to_do,
        }
    )


def parse_problem(status: int, body: bytes, where: str = "the service") -> RemoteError:
    """The error that a problem+json answer stands for; never trusts more than its code. `where` is
    who answered.
    """
    try:
        value = canonical.parse_loose(body, limit=16 * 1024)
    except RemoteError:
        value = None
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(code, str) and code in set(ErrorCode):
        return RemoteError(ErrorCode(code), str(value.get("detail", ""))[:300])
    detail = f"{where} answered {status}, and not as our services do: is the address right?"
    return RemoteError(ErrorCode.UNREACHABLE, detail)
