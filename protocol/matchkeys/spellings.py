"""Spellings of one name in other scripts and orthographies, specs/04-matching.md §4.

Each family is one name as it is written under different customs: Somali Latin spelling (c and x
for Arabic ayn and ha), French and English spellings of Arabic, passport and scholarly spellings of
Russian, Ukrainian and Polish, Wade-Giles and Cantonese beside Pinyin, Bengali j for z. Compiled by
the project from those correspondence rules and common usage; no table was copied; licensed as the
project is. Spellings that the skeleton brings together are left out. Names that different people
of one family bear (Paul and Paula, Hassan and Hussein, Zahid and Jahid) are never one family.
"""

from types import MappingProxyType

# Of given and family names alike: in much of the world a father's given name is the family name.
SPELLINGS: dict[str, str] = {
    # Somali
    "abdi": "cabdi",
    "ahmed": "axmed axmad",
    "aisha": "caasha casha caisha caysha aicha aichatou",
    "ali": "cali caali",
    "hamdi": "xamdi",
    "halima": "xaliimo xalimo xaliima",
    "hamza": "xamza xamsa",
    "hassan": "xasan xassan hacen hacene",
    "hawa": "xaawo xawo",
    "hersi": "xirsi",
    "hodan": "xodan",
    "hussein": "xuseen xusein xussein hocine houcine",
    "isa": "ciise ciisse",
    "jama": "jaamac jamac",
    "mohammed": "maxamed maxammed maxamad",
    "mahmoud": "maxamuud maxamud",
    "omar": "cumar",
    "usman": "cismaan cisman cusmaan cusman othman uthman othmane",
    "sahra": "saxra",
    "saleh": "saalax salax",
    "sharif": "cherif charif",
    "yahya": "yaxye yaxya",
    # Arabic, in French, English and Persian or Urdu spelling
    "abubakar": "boubacar boubakar bubacar bubakar boubaker",
    "abdullah": "cabdullahi cabdulahi cabdalla cabdale",
    "ashraf": "achraf",
    "bushra": "bouchra",
    "fadl": "fazal fazl",
    "hashim": "hachem hachim hachemi",
    "hisham": "hicham",
    "ibrahim": "brahim",
    "idris": "driss dris",
    "ismail": "smail",
    "jafar": "djaafar djafar",
    "jamal": "djamel djamal",
    "jamila": "djamila",
    "jibril": "djibril",
    "nasir": "nacer nacir naceur",
    "nasima": "nacima",
    "qasim": "kacem kacim",
    "ramadan": "ramazan ramzan",
    "rashid": "rachid rached",
    "rashida": "rachida",
    "reda": "reza raza",
    "riyad": "riaz riyaz",
    "shaima": "chaima chaimae",
    "shakib": "chakib",
    "sheikh": "cheikh cheick",
    "wahid": "vahid ouahid",
    "walid": "oualid",
    "warda": "ouarda",
    "wasim": "ouassim vasim",
    "yasin": "yacine",
    "yusuf": "jusuf iusuf",
    # South Asian
    "mizanur": "mijanur",
    "vijay": "wijay",
    "vikram": "wikram",
    "ziaur": "jiaur",
    "zulfiqar": "julfikar julfiqar",
    # Slavic
    "andrei": "andrzej",
    "bogdan": "bohdan",
    "boguslav": "boguslaw",
    "boleslav": "boleslaw",
    "catherine": "ekaterina yekaterina iekaterina",
    "elena": "yelena jelena",
    "elizabeth": "elizaveta yelizaveta jelizaveta ielyzaveta yelyzaveta elisaveta",
    "eva": "ewa",
    "evelina": "ewelina",
    "evgeny": "yevgeny yevgeni yevgeniy yevgenii jevgeni jevgenij yevhen yevhenii "
    "yevheniy evhen eugene eugen",
    "evgenia": "yevgenia yevgeniya yevheniia yevheniya evheniia evheniya eugenia",
    "galina": "halyna halina",
    "grigory": "hryhoriy hryhorii",
    "igor": "ihor",
    "yaroslav": "jaroslav jaroslaw iaroslav",
    "julia": "yulia yuliya yuliia iuliia iulia iuliya ioulia",
    "yakov": "iakov",
    "yana": "iana",
    "yuri": "iurii iuri jurij juri iouri",
    "mikhail": "mihail",
    "miroslav": "miroslaw",
    "nikolai": "mykola",
    "oleg": "oleh",
    "olga": "olha",
    "sergei": "serhii serhiy",
    "slavomir": "slawomir",
    "stanislav": "stanislaw",
    "veronica": "weronika",
    "victor": "wiktor",
    "victoria": "wiktoria",
    "vladislav": "wladyslaw vladyslaw",
    # East Asian: Wade-Giles beside Pinyin
    "cai": "tsai",
    "cao": "tsao",
    "xi": "hsi",
    "xia": "hsia",
    "xian": "hsien",
    "xiang": "hsiang",
    "xiao": "hsiao",
    "xin": "hsin",
    "xing": "hsing",
    "xiong": "hsiung",
    "xiu": "hsiu",
    "xu": "hsu",
    "xue": "hsueh",
    "xun": "hsun",
    "xie": "hsieh",
    "zeng": "tseng tsang",
    "zi": "tzu",
    "zong": "tsung",
    # British and Irish
    "alice": "alys alis",
    "ashley": "ashleigh",
    "bailey": "bayleigh baileigh",
    "caoimhe": "keeva queeva kweeva",
    "eoin": "eoghan",
    "everley": "everleigh",
    "hayley": "hayleigh haleigh",
    "harley": "harleigh",
    "kayley": "kayleigh kaleigh",
    "kyley": "kyleigh",
    "lee": "leigh",
    "marsha": "marcia",
    "niamh": "neve neeve neave",
    "rhys": "reece",
    "riley": "ryleigh rileigh",
    "rory": "ruaridh ruairidh",
    "xavier": "zavier",
}

FAMILY_SPELLINGS: dict[str, str] = {
    "banerjee": "bandyopadhyay bandopadhyay",
    "chatterjee": "chattopadhyay",
    "ganguly": "gangopadhyay",
    "mukherjee": "mukhopadhyay",
    "park": "pak bak",
    "pearce": "pearse peirse",
    "roh": "noh",
    "spencer": "spenser",
    "thomson": "thompson",
    "wickramasinghe": "vikramasinghe",
    "yakovlev": "iakovlev",
    "yakovenko": "iakovenko",
    "yurchenko": "iurchenko",
    "yushchenko": "iushchenko",
    "zhang": "chang cheung cheong jang",
    "zhao": "chao",
    "zheng": "cheng",
    "zhou": "chou chow chau",
    "zhu": "chu",
}

# Arabic "servant of" names: each way of writing the first word before each name of God.
_SERVANT = "abd abda abde abdi abdo abdou abdu cabdi"
_NAMES_OF_GOD: dict[str, str] = {
    "alim": "aleem",
    "aziz": "azeez asis casiis",
    "bari": "",
    "basit": "baset",
    "fattah": "fatah",
    "ghaffar": "ghafar gaffar",
    "ghafur": "ghafoor gafur",
    "ghani": "gani qani",
    "hadi": "",
    "hafiz": "hafeez",
    "hai": "hay hayy",
    "hakim": "hakeem xakim xakiim",
    "halim": "haleem xalim xaliim",
    "hamid": "hameed xamid xamiid",
    "haq": "haqq",
    "jabbar": "jabar",
    "jalil": "jaleel",
    "kabir": "kabeer",
    "karim": "kareem kariim",
    "khaliq": "khalik khaleq",
    "latif": "lateef latiif",
    "majid": "majeed",
    "malik": "malek maalik",
    "mannan": "manan",
    "matin": "mateen",
    "mumin": "momin",
    "muttalib": "mutalib",
    "nasir": "nasser nasser naser naasir",
    "nur": "noor nour",
    "qadir": "kadir qader kader gader qaadir kadar",
    "qayyum": "qayum quayum kayum",
    "quddus": "quddoos kuddus",
    "rahim": "raheem rahiim raxim raxiim",
    "rahman": "rehman rahmaan raxman raxmaan",
    "rashid": "rasheed rashiid rachid",
    "rauf": "raouf rouf",
    "razzaq": "razaq razzak razak",
    "salam": "salaam",
    "samad": "",
    "sattar": "satar",
    "shakur": "shakoor",
    "wadud": "",
    "wahab": "wahhab",
    "wahid": "waheed",
}


def _servant_names() -> dict[str, str]:
    made: dict[str, str] = {}
    for formal, written in _NAMES_OF_GOD.items():
        for name in dict.fromkeys([formal, *written.split()]):
            for first in _SERVANT.split():
                for join in ("", "l", name[0]):
                    made.setdefault(first + join + name, "abdul" + formal)
    return made


def variants(families: dict[str, str]) -> dict[str, str]:
    """Each variant of a table "name: variants" to its name."""
    return {variant: name for name, written in families.items() for variant in written.split()}


SERVANT_NAMES = MappingProxyType(_servant_names())
GIVEN_AND_FAMILY = MappingProxyType(variants(SPELLINGS))
FAMILY = MappingProxyType({**GIVEN_AND_FAMILY, **variants(FAMILY_SPELLINGS)})
