"""What a person at a terminal is told of an error: one sentence that names the thing.

Whatever happens below a command becomes one: our own errors, those of files and sockets, what
stands in a group of several, and what nobody foresaw, whose own words can hold anybody's data.
"""

import errno
from collections.abc import Iterator
from pathlib import PurePath

from pydantic import ValidationError

from protocol.errors import ERROR_TEXTS, ErrorCode, LocalError, PatchworkError
from runtime.faults import place_of
from runtime.written import fault_of

# Their advice to a program that sent something says nothing to the person who typed it.
_DETAIL_SAYS = frozenset(
    {
        ErrorCode.MALFORMED,
        ErrorCode.UNKNOWN_FIELD,
        ErrorCode.NOT_CANONICAL,
        ErrorCode.NOT_FOUND,
        ErrorCode.NOT_ALLOWED,
        ErrorCode.CONFLICT,
        ErrorCode.NOT_READY,
        ErrorCode.CONFIGURATION,
        ErrorCode.BAD_FILE,
        ErrorCode.STORAGE,
    }
)
_FILES = {
    errno.ENOENT: "it is not there",
    errno.EACCES: "this user may not read or write it",
    errno.EPERM: "this user may not read or write it",
    errno.EISDIR: "it is a folder, and a file is wanted",
    errno.ENOTDIR: "part of the path is no folder",
    errno.EEXIST: "it is there already",
    errno.ENOSPC: "the disk is full",
    errno.EROFS: "the disk is read-only",
}


def sentence_of(error: BaseException) -> str:
    """What is said of an error: a sentence, and what to do where the sentence does not say it."""
    found = find(error)
    if isinstance(found, PatchworkError):
        return _ours(found)
    if isinstance(found, OSError):
        return _of_file(found)
    if isinstance(found, ValidationError):
        return _of_shape(found)
    text = ERROR_TEXTS[ErrorCode.INTERNAL]
    where = f"{type(found).__name__} at {place_of(found)}"
    return f"{text.title} ({ErrorCode.INTERNAL}): {where}\n{text.what_to_do}"


def find(error: BaseException) -> BaseException:
    """The error itself or, of a group, the one that says most: ours before a file's or another."""
    leaves = list(_leaves(error))
    for family in (PatchworkError, OSError):
        for leaf in leaves:
            if isinstance(leaf, family):
                return leaf
    return leaves[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _ours(error: PatchworkError) -> str:
    said = f"{error.text.title} ({error.code}): {error.detail}"
    is_ours = isinstance(error, LocalError) or error.code is ErrorCode.BAD_FILE
    if is_ours and error.code in _DETAIL_SAYS:
        return said
    return f"{said}\n{error.text.what_to_do}"


def _of_file(error: OSError) -> str:
    what = _FILES.get(error.errno or 0) or (error.strerror or type(error).__name__).lower()
    if not error.filename:
        return f"{ERROR_TEXTS[ErrorCode.STORAGE].title} ({ErrorCode.STORAGE}): {what}"
    name = PurePath(str(error.filename)).name
    return f"{ERROR_TEXTS[ErrorCode.BAD_FILE].title} ({ErrorCode.BAD_FILE}): {name}: {what}"


def _of_shape(error: ValidationError) -> str:
    fault = fault_of(error)
    text = ERROR_TEXTS[ErrorCode.CONFIGURATION]
    place = ".".join(str(part) for part in fault.place) or error.title
    return f"{text.title} ({ErrorCode.CONFIGURATION}): {place}: {fault.says}"
