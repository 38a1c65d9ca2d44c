"""Own clients by words, and who may be the one that somebody is about to add.

specs/09-imports.md §9. Looked up in the index that is kept with the clients, never by reading all
of them (node/store/search.py).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from string import ascii_lowercase, digits

from node.store.records import Client
from node.store.search import Whose
from node.store.tables import NodeTables
from node.store.terms import born_term, number_term, sound_terms, sounds_of, words_in
from protocol.matchkeys.normalise import fold
from protocol.matchkeys.records import ClientRecord, NormalRecord, normalise_record

MOST_FOUND = 20
ALIKE = 0.75
"""Of one, how alike two words must be for one to be a slip of the keyboard of the other."""
SHORTEST = ALIKE / (2 - ALIKE)
"""Of the longer one, how long the shorter one of two words that are so alike is at least."""
SAME, BEGINS, SOUNDS = 1.0, 0.99, 0.98
"""How well a word fits one that is the same, that begins with it, and a name of its skeleton."""
ONE_SLIP = 0.9
"""How well a number, a date or an id fits that is one slip away."""
MOST_WORDS = 8
_WRITTEN_APART = re.compile(
    r"(?P<born>\d{1,2}(?:st|nd|rd|th)?[ ](?:of )?[a-z]{3,9},?[ ]\d{4})"
    r"|(?P<number>\b\d{3}[ -]\d{3}[ -]\d{4}\b)"
    r"|(?P<postcode>\b[a-z]{1,2}\d[a-z\d]?[ ]\d[a-z]{2}\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, repr=False)
class Meant:
    """What one word may mean: terms and own ids, each with how well it fits (above 0 to 1), and how
    they may begin.
    """

    terms: Mapping[str, float]
    starts: frozenset[str]

    def __repr__(self) -> str:
        """Say nothing."""
        return "Meant(hidden)"


@dataclass(frozen=True, repr=False)
class Found:
    """Own clients, the likeliest first; `more`: there are others, who are not among them."""

    clients: tuple[Client, ...]
    more: bool

    def __repr__(self) -> str:
        """Say nothing."""
        return "Found(hidden)"


def search(tables: NodeTables, text: str, whose: Whose, now: int) -> Found:
    """Own clients whose id, names, date of birth, NHS number or postcode the words of a text are,
    or nearly are; of no words, nobody.

    Slips are looked for only if the words as they stand, as beginnings and by their sound, fit no
    more clients than are shown.
    """
    words = list(_words(text))[:MOST_WORDS]
    own = None if whose.is_everybody else tables.search.whose(whose, now)
    plain = [_plainly(tables, word) for word in words]
    found = _all_of(tables, plain, own)
    if len(found) <= MOST_FOUND:
        names = _words_alike(tables, words)
        near = [_nearly(tables, word, fits, names) for word, fits in zip(words, plain, strict=True)]
        found = {**_all_of(tables, near, own), **found}
    order = sorted(found, key=lambda client: (-found[client], client))[:MOST_FOUND]
    clients = {client.id: client for client in tables.records.clients_by_row(order)}
    return Found(tuple(clients[client] for client in order), len(found) > MOST_FOUND)


def perhaps_known(tables: NodeTables, record: ClientRecord) -> list[Client]:
    """Own clients who may be the one that somebody is about to add, by any record of theirs."""
    new = normalise_record(record)
    born = born_term(record.date_of_birth) if new.born else ""
    families = sound_terms(new.family_skeletons)
    given = sound_terms([new.given_skeleton])
    perhaps = tables.search.agreeing(given, families, [born] if born else [])
    if new.nhs_number:
        having = tables.search.having([new.nhs_number])
        perhaps |= tables.search.clients_of({client for _, client in having})
    alike = [
        client.id
        for client in tables.records.clients_by_row(perhaps)
        if _may_be(new, normalise_record(client.record))
    ]
    wholes = tables.merges.wholes()
    return tables.records.clients_by_row({wholes.get(client, client) for client in alike})


def _may_be(new: NormalRecord, known: NormalRecord) -> bool:
    if new.nhs_number and known.nhs_number:
        return new.nhs_number == known.nhs_number
    given = bool(new.given_skeleton) and new.given_skeleton == known.given_skeleton
    family = bool(set(new.family_skeletons) & set(known.family_skeletons))
    born = bool(new.born) and new.born == known.born
    return given + family + born >= 2


def _words(text: str) -> Iterator[str]:
    """The words to look for, each folded; a date as ISO has it, and numbers, postcodes and dates
    that were written in several parts as one.
    """
    last = 0
    for apart in _WRITTEN_APART.finditer(text):
        yield from _plain_words(text[last : apart.start()])
        yield born_term(apart[0]) or number_term(apart[0])
        last = apart.end()
    yield from _plain_words(text[last:])


def _plain_words(text: str) -> Iterator[str]:
    for part in text.split():
        folded = fold(part.strip(",;()[]"))
        if born := born_term(part):
            yield born
        elif any(sign.isdigit() for sign in folded):
            yield folded
        else:  # Lily-Mae are two names, and one elsewhere
            yield from words_in(folded)


def _all_of(tables: NodeTables, words: Sequence[Meant], own: set[int] | None) -> dict[int, float]:
    """How well all words fit the clients whom each of them fits, by any record of theirs."""
    if not words:
        return {}
    # The rarest first: if it fits nobody, whom the others fit need not be known.
    rows = [tables.search.count_having(word.terms) for word in words]
    wholes, left = tables.merges.wholes(), own
    each: dict[int, dict[int, float]] = {}
    for at in sorted(range(len(words)), key=rows.__getitem__):
        fits = _fitting(tables, words[at])
        if wholes:
            of_parts, fits = fits, {}
            _better(fits, ((wholes.get(one, one), score) for one, score in of_parts.items()))
        each[at] = fits
        left = {*fits} if left is None else left & fits.keys()
        if not left:
            return {}
    clients = tables.search.clients_of(left or set())
    return {
        client: sum(each[at][client] for at in range(len(words))) / len(words) for client in clients
    }


def _fitting(tables: NodeTables, word: Meant) -> dict[int, float]:
    """Whom a word fits, and how well."""
    fits: dict[int, float] = {}
    for start in word.starts:
        fits |= dict.fromkeys(tables.search.beginning(start), BEGINS)
    terms, fit = word.terms, fits.get
    for term, client in tables.search.having(terms):  # thousands
        if terms[term] > fit(client, 0.0):
            fits[client] = terms[term]
    return fits


def _plainly(tables: NodeTables, word: str) -> Meant:
    """What a word means as it stands, as a beginning, or by its sound."""
    same = {word, number_term(word), word.upper()}
    sounds = sounds_of(word)
    alike = {*sounds, *tables.search.words_sounding(sounds)} if sounds else set()
    terms = dict.fromkeys(alike, SOUNDS) | dict.fromkeys(same, SAME)
    return Meant(terms, frozenset(same) if len(word) > 1 else frozenset())


def _nearly(tables: NodeTables, word: str, plain: Meant, names: Sequence[str]) -> Meant:
    """What a word means so, or with a slip of the keyboard, which one of these names may be."""
    if word.isalpha():
        # Those that begin so fit better already, as beginnings.
        slips = {like: fit for like, fit in _like(word, names) if not like.startswith(word)}
    elif tables.search.having(_same(plain)):
        return plain  # what is right as it stands is no slip of another one
    else:
        near = set(_slips(word))
        slips = dict.fromkeys(near | {slip.upper() for slip in near}, ONE_SLIP)
    return Meant({**slips, **plain.terms}, plain.starts)


def _same(word: Meant) -> set[str]:
    return {term for term, score in word.terms.items() if score == SAME}


def _words_alike(tables: NodeTables, words: Iterable[str]) -> list[str]:
    """The words of names that are as long as any that one of these may be a slip of."""
    sizes = [len(word) for word in words if word.isalpha()]
    if not sizes:
        return []
    return tables.search.words_long(ceil(min(sizes) * SHORTEST), floor(max(sizes) / SHORTEST))


def _like(word: str, names: Sequence[str]) -> list[tuple[str, float]]:
    """Those of these names that a word may be a slip of, and how well they fit."""
    from rapidfuzz.distance.Indel import normalized_similarity as alike
    from rapidfuzz.process import extract

    found = extract(word, names, scorer=alike, score_cutoff=ALIKE, limit=None)
    return [(name, fit) for name, fit, _ in found]


def _slips(word: str) -> Iterator[str]:
    """A number, a date or an id with one sign more, less or another, or two of them swapped."""
    signs = digits + "-" + (ascii_lowercase if any(sign.isalpha() for sign in word) else "")
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        yield from (before + sign + after for sign in signs)
        if after:
            yield before + after[1:]
            yield from (before + sign + after[1:] for sign in signs)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]


def _better(fits: dict[int, float], found: Iterable[tuple[int, float]]) -> None:
    for client, score in found:
        if score > fits.get(client, 0.0):
            fits[client] = score
