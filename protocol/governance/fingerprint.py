"""Fingerprint words: eight words that two people read to each other (specs/02-charter.md §6).

One word of 256 for each of the first eight bytes of SHA-256 over the canonical key record and
party id: 64 bits, compared by voice within the days that an invitation lives.
"""

import hashlib
import re
from difflib import get_close_matches

from protocol import canonical
from protocol.errors import ErrorCode, LocalError
from protocol.messages.key_record import KeyRecord

_WORD_LIST = """
acorn amber anchor apple arch arrow ash autumn badge baker ball bamboo banner barn basket bay
beach bead bean bear beech bell berry birch bird blue board boat bold bone book border bottle
bowl branch brave bread breeze brick bridge bright broom brown brush bucket bud butter cabin
cable cactus cake camel canal candle canoe canvas cap card carpet carrot castle cedar chair
chalk cherry chess chimney circle clay cliff clock cloud clover coal coast cobalt coffee coin
comet copper coral corn cotton cousin crab cradle crane cream cricket crimson crown crystal
curtain daisy dance dawn deer delta desert diamond dolphin donkey door dove dragon drum duck
dune eagle early earth echo elbow elm ember engine evening falcon farm feather fence fern ferry
fiddle field finch finger flag flame flint flower flute forest fossil fountain fox frost fruit
galaxy garden gate ginger glacier glass globe glove goat gold goose grain granite grape grass
gravel green guitar hammer harbour harp harvest hat hazel heather hedge heron hill holly honey
horizon horse house ice indigo ink iron island ivory ivy jacket jade jasmine jewel jigsaw
juniper kettle key kite kitten ladder lake lamp lantern lark lavender leaf lemon lily lime linen
lion lizard lobster lotus magnet mango maple marble meadow melon mint mirror mist moon morning
moss mountain mustard needle nest north nutmeg oak oasis ocean olive onion opal orange orchard
otter owl paddle panda paper parrot path peach pear pearl pebble pencil pepper piano pigeon
pilot pine planet plum pocket pond poppy puzzle quartz quilt rabbit river
"""
WORDS = tuple(_WORD_LIST.split())


_PLACES = {word: place for place, word in enumerate(WORDS)}
BYTES = 8
FEW = 3


def fingerprint(party_id: str, keys: KeyRecord) -> str:
    """The fingerprint of a party's keys, in hex."""
    record: canonical.JsonValue = {"party_id": party_id, "keys": keys.model_dump(mode="json")}
    return hashlib.sha256(canonical.encode(record)).digest()[:BYTES].hex()


def fingerprint_words(party_id: str, keys: KeyRecord) -> str:
    """The eight words for a party's keys, separated by spaces."""
    return " ".join(WORDS[byte] for byte in bytes.fromhex(fingerprint(party_id, keys)))


def parse_words(text: str) -> str:
    """The fingerprint, in hex, of words that were read out, whatever their case and punctuation.

    Raises LocalError(CONFIGURATION) naming the word that is none.
    """
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(words) != BYTES:
        detail = f"write all {BYTES} words, in order: there are {len(words)}"
        raise LocalError(ErrorCode.CONFIGURATION, detail)
    for place, word in enumerate(words, 1):
        if word not in _PLACES:
            close = " or ".join(get_close_matches(word, WORDS, 2))
            meant = f": did they say {close}?" if close else ": have it read again"
            detail = f"word {place} is not one of the list{meant}"
            raise LocalError(ErrorCode.CONFIGURATION, detail)
    return bytes(_PLACES[word] for word in words).hex()


def check_words(heard: str, party_id: str, keys: KeyRecord) -> None:
    """Compare words that were read out with those of a party's keys.

    Raises LocalError: CONFIGURATION for what are no words of the list, CONFLICT where others were
    heard; both say which word.
    """
    said, own = bytes.fromhex(parse_words(heard)), bytes.fromhex(fingerprint(party_id, keys))
    differ = [str(n) for n, pair in enumerate(zip(said, own, strict=True), 1) if len({*pair}) > 1]
    if differ:
        some = f"words {', '.join(differ)} differ" if len(differ) <= FEW else "the words differ"
        which = f"word {differ[0]} differs" if len(differ) == 1 else some
        raise LocalError(
            ErrorCode.CONFLICT,
            f"{which}: have all {BYTES} read again. If they still differ, somebody may be in "
            "between: do not approve",
        )
