"""The word lists of normalisation, specs/04-matching.md §2: data of the charter, by their hash.

Compiled by the project from common knowledge of how records are written; no list was copied.
A word here is folded text: lower-case ASCII without apostrophes and full stops.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words("mr mrs ms miss mx dr prof rev revd mstr cllr")
TITLES_BESIDE_A_NAME = _words(
    "master sir dame lady lord professor doctor reverend father rabbi imam captain sheikh "
    "hajji haji hajja alhaji alhaja shri smt"
)
SUFFIXES = _words("jr jnr junior sr snr senior ii iii iv esq mbe obe cbe")
PARTICLES = _words(
    "o ni nic mc mac fitz st saint ap ab de del della da das do dos du di la le "
    "van vande vander von der den ter ten te af zu "
    "al el ul bin ibn bint binti ben abu abd"
)
# Left off as often as written: a family name with one of these counts without it too.
ARTICLES = _words("al el de da das do dos")
# Part of the given name that follows: Abu Bakr, Gebre Medhin.
GIVEN_PARTICLES = _words("abu abd gebre wolde tekle st")
MIDDLE_PARTICLES = _words("de del della da dos abu abd st")
# What follows is the father's name, not a middle name.
PATRONYMIC_WORDS = _words("bin ibn bint binti sonof")
PATRONYMIC_ENDINGS = (
    "ovich", "evich", "ovych", "evych", "yovych", "ovna", "evna", "ivna", "ichna",
)  # fmt: skip
# Second names that brothers or sisters share: no evidence of one person.
SHARED_SECOND_NAMES = _words(
    "kaur singh begum begom bibi khatun khatoon khanam khanom bano devi kumar kumari bai"
)
# Before the name a boy is called by: brothers bear it, and with another name it tells nothing.
SHARED_FIRST_NAMES = _words(
    "muhammad mohammed mohammad mohamed mohamad muhammed muhamad muhamed mahomed mohd md muhd "
    "mhd maxamed"
)
PHRASES = {
    **dict.fromkeys(("also known as", "known as", "a/k/a"), "aka"),
    **dict.fromkeys(("maiden name",), "nee"),
    **dict.fromkeys(("son of", "daughter of", "child of", "wife of"), "sonof"),
    **dict.fromkeys(("s/o", "d/o", "c/o", "w/o", "a/l", "a/p"), "sonof"),
    **dict.fromkeys(("baby of", "infant of", "twin of", "b/o"), "babyof"),
    "saint": "st",
    "g/": "gebre",
    "h/": "haile",
    "t/": "tekle",
    "w/": "wolde",
}
# A name after one of these is another name of the same person; after "now", the one in use.
OTHER_NAME_WORDS = _words("nee formerly previously prev aka alias fka born was")
NEW_NAME_WORDS = _words("now")
NOTE_WORDS = _words(
    "deceased twin triplet male female baby adopted foster carer mother father child adult "
    "foetus unborn unknown preferred legal"
)
PLACEHOLDER_TEXTS = _words("n/a n/k u/k none null nil withheld refused declined anonymous") | {
    "not known", "not given", "not stated", "not available", "not applicable", "not disclosed",
    "not yet named", "no name", "no surname", "no middle name", "name not known",
    "to be confirmed", "to be advised", "to be decided",
}  # fmt: skip
PLACEHOLDER_WORDS = _words("unknown unk nk tbc tba tbd unnamed xx xxx xxxx")
UNBORN_WORDS = _words("unborn undelivered foetus fetus ubb edd")
NEWBORN_WORDS = UNBORN_WORDS | _words(
    "baby infant newborn neonate twin triplet boy girl male female live babyof"
)
BIRTH_ORDER_WORDS = _words("a b c i ii iii one two three first second third of")
SEXES = {
    **dict.fromkeys(("f", "female", "woman", "girl", "2"), "f"),
    **dict.fromkeys(("m", "male", "man", "boy", "1"), "m"),
}
# At the start of a word of an address: nobody lives at one door there.
NO_ADDRESS = (
    "no fixed", "nfa", "homeless", "rough sleep", "sofa surf", "of no abode",
)  # fmt: skip
UNKNOWN_ADDRESS = ("unknown", "not known", "no address", "po box")
# Many people who are not kin live there, and some of them hide.
SHARED_PLACES = (
    "hostel", "refuge", "night shelter", "shelter", "womens aid", "foyer", "ymca", "ywca",
    "salvation army", "hotel", "motel", "guest house", "guesthouse", "bed and breakfast", "b&b",
    "bnb", "backpackers", "temporary accommodation", "emergency accommodation", "homeless unit",
    "supported housing", "prison", "hmp", "hm prison", "hmyoi", "yoi", "young offender",
    "remand centre", "detention centre", "removal centre", "reception centre", "asylum centre",
    "bail hostel", "approved premises", "correctional centre", "hospital", "hospice",
    "nursing home", "care home", "residential home", "childrens home", "barracks", "bfpo",
    "caravan park", "rooming house", "boarding house", "halls of residence", "student halls",
)  # fmt: skip
STREET_TYPES = _words(
    "road rd street st lane ln close cl way drive dr avenue ave av court ct crescent cres "
    "place pl terrace tce hill row walk grove gardens gate square sq parade pde mews green"
)
# Before a street's name, and no part of it.
NOT_A_STREET = _words("the flat unit apartment apt lot room suite shop no number")
