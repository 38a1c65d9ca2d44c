"""Names to one form each, specs/04-matching.md §4: formal names for nicknames, one spelling.

The tables are data of the charter (their hashes are in there). A nickname has one formal name here
although life knows several; where several are common (Sam, Chris, Alex) the one with most bearers
in the UK was taken. Spellings that no skeleton brings together are in `spellings.py`. A formal name
of six letters or more is nobody's nickname. Common given names are in `given_names/`. Compiled by
the project from common usage; no table was copied; licensed as the project is.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from protocol.matchkeys.given_names import COMMON_NAMES
from protocol.matchkeys.skeleton import REMEMBERED, skeleton
from protocol.matchkeys.spellings import FAMILY, GIVEN_AND_FAMILY, SERVANT_NAMES, variants

MAX_HOPS = 2
_UMLAUT = re.compile("([aou])(?:e|(?<=a)a)(?=[a-z])")

FORMAL_NAMES: dict[str, str] = {
    "abdi": "abdy",
    "abigail": "abbie abby abi",
    "abraham": "abe bram",
    "adebayo": "bayo",
    "adekunle": "kunle",
    "adewale": "wale",
    "adrian": "ade",
    "agnieszka": "aga",
    "alan": "al",
    "albert": "bert bertie",
    "aleksandra": "ola",
    "alexander": "alex alec alick lex xander sandy sasha lexi lexie",
    "alexei": "alyosha lyosha",
    "alfred": "alf alfie",
    "alison": "allie ally",
    "amanda": "mandy mandi manda",
    "amarjit": "amar",
    "anastasia": "nastya nastia",
    "anatoly": "tolya",
    "andrew": "andy drew",
    "angela": "angie ange",
    "angus": "gus",
    "anna": "ania",
    "anne": "annie nan nancy",
    "annette": "nettie",
    "anthony": "tony ant anto",
    "antonia": "toni",
    "archibald": "archie",
    "arkady": "arkasha",
    "arthur": "art artie",
    "ayodele": "ayo",
    "babatunde": "tunde",
    "barbara": "babs barb barbie basia",
    "barnabas": "barney",
    "barry": "baz bazza",
    "bartholomew": "bart",
    "bartosz": "bartek",
    "beatrice": "bea trixie",
    "benjamin": "ben benny benji benjy",
    "bernadette": "bernie",
    "beverley": "bev",
    "boris": "borya",
    "bradley": "brad",
    "bridget": "bridie biddy",
    "callum": "cal",
    "cameron": "cam",
    "caroline": "caz caro carrie",
    "cassandra": "cass cassie",
    "catherine": "cath cathy cathie kath kathy kathie kate katie katy cate kat kitty kay",
    "charles": "charlie charley chas chaz chuck",
    "charlotte": "lottie lotte charl",
    "chinedu": "nedu",
    "christine": "chrissie chrissy tina",
    "christopher": "chris kit topher kris christo",
    "chukwuemeka": "emeka",
    "clement": "clem",
    "clifford": "cliff",
    "colin": "col",
    "connor": "con",
    "constance": "connie",
    "cynthia": "cindy",
    "daniel": "dan danny dannie",
    "daria": "dasha",
    "david": "dave davey davie davy dai",
    "deborah": "debbie debby deb debs debra",
    "declan": "dec",
    "deirdre": "dee",
    "dennis": "den denny",
    "derek": "del",
    "desmond": "des",
    "diana": "di",
    "dmitry": "dima mitya",
    "dominic": "dom",
    "donald": "don donnie donny",
    "dorothy": "dot dottie dolly dora",
    "douglas": "doug dougie duggie",
    "edith": "edie",
    "edward": "ed eddie eddy ned ted teddy teddie",
    "eleanor": "ellie nell nellie ella elle",
    "elena": "lena",
    "elijah": "eli",
    "elizabeth": "liz lizzie lizzy liza beth betty bettie betsy bess bessie libby elsie lisbeth",
    "elzbieta": "ela",
    "emily": "em emmie emmy millie milly",
    "emmanuel": "manny",
    "ernest": "ern ernie",
    "eugene": "gene zhenya",
    "evelyn": "evie eve",
    "ezekiel": "zeke",
    "fergus": "fergie",
    "florence": "flo florrie flossie",
    "folasade": "sade",
    "frances": "fran frannie fanny",
    "francis": "frank frankie",
    "frederick": "fred freddie freddy",
    "gabriel": "gabe",
    "gabrielle": "gabby gabi gaby",
    "gareth": "gaz gazza",
    "gavin": "gav",
    "genevieve": "gen",
    "gennady": "gena",
    "geoffrey": "geoff jeff jeffrey jeffery",
    "george": "geordie",
    "georgina": "georgie gina",
    "gerald": "gerry ger",
    "gilbert": "gil",
    "gordon": "gord gordy",
    "gregory": "greg gregg",
    "gurpreet": "gurp",
    "gwendoline": "gwen gwenda",
    "harold": "hal",
    "harriet": "hattie",
    "harvey": "harv",
    "helen": "hels",
    "henrietta": "hetty ettie etta",
    "henry": "harry hank",
    "herbert": "herb herbie",
    "honora": "nora",
    "howard": "howie",
    "hugh": "hughie huw",
    "ibrahim": "ibs",
    "ifeoma": "ify",
    "ignatius": "iggy",
    "imogen": "immy",
    "isaac": "ike",
    "isabel": "izzy izzie issy bella belle isabella isabelle",
    "ivan": "vanya",
    "jacob": "jake",
    "jacqueline": "jackie jacky jacqui",
    "jakub": "kuba",
    "james": "jim jimmy jimmie jamie",
    "jane": "janey janie",
    "jason": "jase jay",
    "jean": "jeannie",
    "jennifer": "jen jenny jennie jenni",
    "jeremy": "jez jem jerry",
    "jerzy": "jurek",
    "jessica": "jess jessie",
    "joanne": "jo",
    "john": "jack jock johnny johnnie",
    "jonathan": "jon jonny jonnie",
    "joseph": "joe joey jos",
    "josephine": "josie",
    "joshua": "josh",
    "judith": "judy judi jude",
    "julia": "jules",
    "karen": "kaz",
    "katarzyna": "kasia",
    "katerina": "katya katia katja",
    "kenneth": "ken kenny",
    "kevin": "kev",
    "kimberley": "kim kimmy",
    "krzysztof": "krzys",
    "laurence": "larry lawrie",
    "leonard": "len lenny lennie leo",
    "leslie": "les",
    "lewis": "lew",
    "linda": "lindy",
    "louise": "lou lulu",
    "lucy": "lu luce",
    "ludmila": "lyuda luda",
    "madeleine": "maddie maddy",
    "magdalena": "magda",
    "malcolm": "mal mac",
    "malgorzata": "gosia",
    "margaret": "maggie mags meg meggie marge margie madge greta rita",
    "maria": "masha",
    "martin": "mart marty",
    "mary": "molly mollie moll",
    "matilda": "tilly tillie tilda mattie",
    "matthew": "matt matty",
    "maxwell": "max",
    "meg": "peg peggy",
    "melanie": "mel mellie",
    "mervyn": "merv",
    "michael": "mike mick mickey micky mikey",
    "michelle": "shell chelle shelley",
    "mikhail": "misha",
    "mitchell": "mitch",
    "mohammed": "mo",
    "molly": "polly",
    "montague": "monty",
    "mortimer": "mort",
    "natalie": "nat",
    "natasha": "tasha tash",
    "nathan": "nath nate",
    "nicholas": "nick nico",
    "nicola": "nicky nikki nicki niki",
    "nigel": "nige",
    "nikolai": "kolya",
    "nkosinathi": "nathi",
    "norman": "norm",
    "obinna": "obi",
    "olayinka": "yinka",
    "olga": "olya",
    "oliver": "oli ollie olly",
    "olivia": "liv livvy livvie",
    "olufemi": "femi",
    "olugbenga": "gbenga",
    "olusegun": "segun",
    "oluwaseun": "seun",
    "oluwatobiloba": "tobi oluwatobi",
    "oluwatosin": "tosin",
    "oscar": "os",
    "oswald": "ossie ozzie",
    "pamela": "pam pammie",
    "patricia": "pat patsy tricia trish trisha patti patty",
    "patrick": "paddy",
    "pavel": "pasha",
    "penelope": "penny pen",
    "percival": "percy perce",
    "peter": "pete",
    "philip": "phil pip",
    "philippa": "pippa",
    "prudence": "pru",
    "quentin": "quent",
    "rachel": "rach",
    "rajesh": "raj",
    "raymond": "ray",
    "rebecca": "becky becca beckie becks bex",
    "reginald": "reg reggie rex",
    "richard": "rich richie rick ricky rickie dick dickie",
    "robert": "bob bobby bobbie rob robbie robby robin",
    "roderick": "rod roddy",
    "roger": "rog",
    "roland": "roly rollo",
    "ronald": "ron ronnie ronny",
    "rosalind": "ros roz",
    "rosemary": "rosie",
    "roxanne": "roxy",
    "russell": "russ",
    "samantha": "sammie",
    "samuel": "sam sammy",
    "sarah": "sal sally sadie",
    "sebastian": "seb",
    "sergei": "seryozha",
    "sharon": "shaz shazza",
    "sibusiso": "sbu",
    "sidney": "sid",
    "simon": "si sim",
    "siphiwe": "spiwe",
    "sophie": "soph",
    "spencer": "spence",
    "stanley": "stan",
    "stephanie": "steph steffi",
    "stephen": "steve ste stevie steven",
    "stewart": "stew stu",
    "sunil": "sunny",
    "susan": "sue susie suzie suzy suki",
    "svetlana": "sveta",
    "tamara": "tam tammy",
    "tatiana": "tanya",
    "temitope": "temi",
    "terence": "terry tel",
    "teresa": "terri tess tessa tessie",
    "thembinkosi": "themba",
    "theodore": "theo",
    "thomas": "tom tommy tommie",
    "timothy": "tim timmy",
    "tobias": "toby",
    "tokunbo": "toks",
    "tomasz": "tomek",
    "trevor": "trev",
    "tyrone": "ty",
    "uchenna": "uche",
    "valerie": "val",
    "vanessa": "nessa ness",
    "vernon": "vern",
    "victor": "vic",
    "victoria": "vicky vicki vickie vikki tori",
    "vincent": "vince vinnie",
    "virginia": "ginny",
    "vivienne": "viv",
    "vladimir": "vova volodya",
    "walter": "wally walt",
    "wesley": "wes",
    "wilfred": "wilf wilfie",
    "wilhelmina": "minnie",
    "william": "bill billy billie will willie willy wills liam",
    "winifred": "win winnie",
    "wojciech": "wojtek",
    "yuri": "yura",
    "yvonne": "yve",
    "zachary": "zac zach zack zak",
    "zofia": "zosia",
}

NICKNAMES = MappingProxyType(variants(FORMAL_NAMES))


@cache  # a command that reads no name starts without
def given_forms() -> Mapping[str, str]:
    """Every known given name: one spelling, its formal name, that name's spelling."""
    made: dict[str, str] = {}
    for name in (*NICKNAMES, *GIVEN_AND_FAMILY, *COMMON_NAMES):
        form = GIVEN_AND_FAMILY.get(name) or COMMON_NAMES.get(name, name)
        for _ in range(MAX_HOPS):
            form = NICKNAMES.get(form, form)
        made[name] = GIVEN_AND_FAMILY.get(form, form)
    return MappingProxyType(made)


@lru_cache(maxsize=REMEMBERED)
def canonical_name(name: str) -> str:
    """The one form of a given name in a-z: the formal name in one spelling, or the name itself."""
    return without_umlaut_e(SERVANT_NAMES.get(name) or given_forms().get(name, name))


@lru_cache(maxsize=REMEMBERED)
def canonical_family(name: str) -> str:
    """The one spelling of a family name, or of a part of one, in a-z."""
    return without_umlaut_e(SERVANT_NAMES.get(name) or FAMILY.get(name, name))


def without_umlaut_e(name: str) -> str:
    """Joerg as Jörg folds: ae, oe, ue and aa before a letter lose the second one.

    Samuel becomes samul, on both sides alike.
    """
    return _UMLAUT.sub(lambda found: found[1], name)  # a template would be read anew each time


def given_skeleton(given: str | None) -> str | None:
    """The skeleton of the one form of a given name; None if missing or an initial only."""
    return skeleton(canonical_name(given)) if given and len(given) > 1 else None


@lru_cache(maxsize=REMEMBERED)
def family_skeletons(
    families: tuple[str, ...], reduce: Callable[[str], str] = skeleton
) -> tuple[str, ...]:
    """Skeletons of family names as `family_names` gives them, each part in one spelling."""
    if not families:
        return ()
    joined, *parts = families
    forms = list(map(canonical_family, parts))
    count = next((n for n in range(2, len(parts) + 1) if "".join(parts[:n]) == joined), 0)
    first = "".join(forms[:count]) if count else canonical_family(joined)
    return tuple(dict.fromkeys(map(reduce, (first, *forms))))
