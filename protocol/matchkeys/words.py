"""The word lists of normalisation, specs/04-matching.md §2: data of the charter, by their hash.

Compiled by the project from common knowledge of how records are written; no list was copied.
A word here is folded text: lower-case ASCII without apostrophes and full stops.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    "mr mrs ms miss mx dr prof rev revd mstr cllr "
    "mst most mosammat mosammot mossammat musammat mussammat smti"
)
TITLES_BESIDE_A_NAME = _words(
    "master sir dame lady lord professor doctor reverend father rabbi imam captain sheikh "
    "hajji haji hajja alhaji alhaja shri sri smt kumari sardar maulana moulana qari hafiz mufti "
    "daw naw saw nai nang"
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
    **dict.fromkeys(("new born", "new-born"), "newborn"),
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
    "to be confirmed", "to be advised", "to be decided", "as above", "see above", "same as above",
    "see notes", "see file", "see record", "(blank)", "n/known", "no forename", "to follow",
}  # fmt: skip
# Alone; joined as well as apart, so that "notknown" and "noname" are among them.
PLACEHOLDER_WORDS = _words(
    "unknown unk unkn nk tbc tba tbd tbn unnamed xx xxx xxxx fnu lnu nfn nln nmn dnk"
) | {text.replace(" ", "") for text in PLACEHOLDER_TEXTS if " " in text}
PERSON_WORDS = _words(
    "baby infant newborn neonate twin triplet trip child sibling boy girl male female adult man "
    "woman person client patient tenant resident occupant"
)
UNBORN_WORDS = _words("unborn undelivered foetus fetus ubb")
# An expected day of delivery if a number follows it; alone it is a name, as Edd is.
DUE_WORDS = _words("edd due")
NEWBORN_WORDS = UNBORN_WORDS | _words(
    "baby babyboy babygirl infant newborn neonate stillborn twin triplet boy girl male female live "
    "child sibling babyof"
)
# Before such a word: the baby, second twin, 1st child.
BEFORE_NEWBORN_WORDS = _words("the new first second third st nd rd")
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
    "hostel", "refuge", "safe house", "safehouse", "night shelter", "shelter", "womens aid",
    "foyer", "ymca", "ywca", "yha", "salvation army", "emmaus", "homeless", "rough sleepers",
    "hotel", "motel", "aparthotel", "apart hotel", "inn", "guest house", "guesthouse",
    "lodging house", "lodgings", "bed and breakfast", "bed breakfast", "b and b", "b n b", "bnb",
    "bandb", "airbnb", "backpackers", "night stop", "nightstop",
    "premier inn", "travelodge", "travel lodge", "holiday inn", "ibis", "novotel", "mercure",
    "easyhotel", "best western", "ramada", "radisson", "butlins", "pontins",
    "initial accommodation", "temporary accommodation", "temporary accom", "temp accommodation",
    "temp accom", "temporary housing", "emergency housing", "emergency accommodation",
    "dispersal property", "dispersal housing", "homeless accommodation",
    "contingency accommodation", "dispersal accommodation", "interim accommodation",
    "supported accommodation", "supported housing", "supported living", "student accommodation",
    "shared accommodation", "shared house", "asylum accommodation", "accommodation centre",
    "ta unit", "homeless unit", "family unit", "mother and baby unit", "parent and baby unit",
    "assessment unit", "rehabilitation unit", "rehab unit", "secure unit", "detox unit",
    "prison", "hmp", "hm prison", "hmyoi", "yoi", "young offender", "remand centre",
    "detention centre", "removal centre", "irc", "refugee centre", "social services",
    "council offices", "civic centre", "reception centre", "asylum centre", "asylum",
    "assessment centre", "resettlement centre", "secure centre", "secure childrens home",
    "bail hostel", "approved premises", "correctional centre", "hospital", "hospice",
    "nursing home", "care home", "residential home", "residential care", "childrens home",
    "kids home", "rest home",
    "nurses home", "barracks", "bfpo", "raf camp", "army camp", "caravan park", "caravan site",
    "mobile home park", "mobile homes park", "holiday park", "holiday village", "trailer park",
    "park home site", "park homes", "static caravan", "fairground", "showmans yard",
    "showmans site", "camp site", "campsite",
    "traveller site", "travellers site", "travelling site", "gypsy site", "halting site",
    "rooming house", "boarding house", "boarding school", "halls of residence",
    "hall of residence", "residence hall", "student hall", "student village", "university hall",
    "uni hall", "halls",
    "hmo", "house in multiple occupation", "houses in multiple occupation", "convent",
    "monastery",
)  # fmt: skip
STREET_TYPES = _words(
    "road rd street st lane ln close cl way drive dr avenue ave av court ct crescent cres "
    "place pl terrace tce hill row walk grove gardens gate square sq parade pde mews green "
    "fields field view rise yard wharf quay wynd vennel loan brae"
)
# Before a street's name, and no part of it.
NOT_A_STREET = _words(
    "the flat flt unit apartment apt studio bedsit lot room suite shop block plot no number"
)
# A number behind one of these is a part of a building, unless there is no other number.
DWELLINGS = (
    "flat", "flt", "fl", "unit", "apartment", "apt", "studio", "bedsit", "maisonette", "lot",
    "room", "rm", "suite", "shop", "level", "floor", "box", "block", "plot", "pitch", "berth",
)  # fmt: skip
# Begins an entry of any field that only says why there is no value, if no digit follows.
MISSING_OPENINGS = _words("not awaiting await awaits pending cannot")
# Before "not": did not say, could not be obtained.
MISSING_VERBS = _words("did does do could can has have had was is will would should")
# What "no ..." says is lacking, and what may stand beside a word such as "unrecorded".
MISSING_NOUNS = _words(
    "name names forename surname firstname lastname middle first last given family data value "
    "entry info information record records recorded detail details dob date birth address postcode "
    "post number nhs phone telephone tel mobile email worker contact response reply answer "
    "one known registration confirmation"
)
MISSING_WORDS = _words(
    "missing blank empty nothing none null withheld refused declined anonymous redacted removed "
    "deleted unk unknown unnamed tbc tba tbd ditto"
)
MISSING_FILLERS = _words(
    "at by as on in of for to from the a an and or yet now currently present time this file "
    "system client patient parent parents mother father family school gp service source request is "
    "was has have been be still so far give say disclose provide share tell ask see check query"
)
# A name in a field of names (Nan, Na, Dk); in every other field nothing.
MISSING_CODES = _words("na nan nat nd ns nda dk ni nr x void")
