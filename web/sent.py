"""What a browser sends: a form, or a form whose last field is a file, which is read as it comes."""

import asyncio
import os
from io import FileIO
from pathlib import Path

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from protocol.errors import ErrorCode, LocalError
from web.forms import Form, InvalidForm

FIELDS = 64 * 1024
CHUNK = 2**18
MOST_DRAINED = 2**31
"""Of a file that is refused so much is read all the same: a browser shows no answer before."""
LONGEST_NAME = 100
NONE = (ValueError, LookupError, AssertionError, HttpProcessingError)
"""What is raised for bytes that are no form, by aiohttp among others."""


class SentFile:
    """A file on its way here, as its sender calls it (`name`). It can be read once."""

    def __init__(self, part: BodyPartReader) -> None:
        self._part = part
        said = (part.filename or "").replace("\\", "/").rpartition("/")[2]
        self.name = "".join(letter for letter in said if letter.isprintable())[:LONGEST_NAME]

    async def save(self, path: Path, field: str, limit: int, too_large: str) -> int:
        """Write it to a new file that nobody else reads; its size in bytes.

        Nothing is left of one over the limit, which raises InvalidForm with this key of words for
        the field, nor of one that breaks off. Raises LocalError(STORAGE).
        """
        size, file = 0, await asyncio.to_thread(_created, path)
        try:
            while chunk := await self._chunk():
                size += len(chunk)
                if size > limit:
                    raise InvalidForm({field: too_large}, most=limit // 10**6)
                await asyncio.to_thread(file.write, chunk)
        except BaseException as error:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            if isinstance(error, OSError) and not isinstance(error, ConnectionError):
                raise _full() from error
            raise
        finally:
            file.close()
        return size

    async def drain(self) -> None:
        """Read what nobody has read, so that the browser comes to read the answer."""
        left = MOST_DRAINED
        while left > 0 and (chunk := await self._chunk()):
            left -= len(chunk)

    async def _chunk(self) -> bytes:
        try:
            return bytes(await self._part.read_chunk(CHUNK))
        except NONE:
            raise web.HTTPBadRequest from None


async def sent_form(request: web.Request) -> Form:
    """The form that came. Raises HTTPBadRequest for bytes that are none."""
    try:
        return _form([(k, v) for k, v in (await request.post()).items() if isinstance(v, str)])
    except NONE:
        raise web.HTTPBadRequest from None


async def sent_file(request: web.Request) -> tuple[Form, SentFile | None]:
    """The fields that stand before the file, and the file, of which nothing was read yet; None
    where no file came. Raises HTTPBadRequest.
    """
    if request.content_type != "multipart/form-data":
        return await sent_form(request), None
    fields: list[tuple[str, str]] = []
    left = FIELDS
    try:
        parts = await request.multipart()
        while (part := await parts.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise web.HTTPBadRequest
            if part.filename is not None:
                return _form(fields), SentFile(part)
            value = b""
            while chunk := bytes(await part.read_chunk(left + 1)):
                value += chunk
                left -= len(chunk)
                if left < 0:
                    raise web.HTTPBadRequest
            fields.append((part.name or "", value.decode()))
        return _form(fields), None
    except NONE:
        raise web.HTTPBadRequest from None


def _form(fields: list[tuple[str, str]]) -> Form:
    "".join(name + value for name, value in fields).encode()  # half a character is no text
    return Form(fields)


def _created(path: Path) -> FileIO:
    try:
        return FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    except OSError as error:
        raise _full() from error


def _full() -> LocalError:
    return LocalError(ErrorCode.STORAGE, "the disk is full, or the folder cannot be written")
