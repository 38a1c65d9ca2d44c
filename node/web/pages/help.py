"""Help with each journey of the node's pages."""

from node.web.pages.desk import NodePage
from web.help import Help

HELP = Help(
    {
        "start": r"/",
        "sign_in": r"/(sign-in|sign-out|welcome|your-sign-ins)\b.*",
        "adding": r"/clients/(add|find)\b.*",
        "importing": r"/import\b.*",
        "consent": r"/clients/\d+/consent\b.*",
        "matching": r"/clients/\d+/matches\b.*|/checks/.*",
        "enquiring": r"/enquiries\b.*",
        "changing": r"/clients/\d+/(correct|close|hand-over|reason)",
        "asking": r"/(asking|requests)\b.*|/clients/\d+/(ask|introduce)/.*",
        "answering": r"/inbox\b.*",
        "attention": r"/clients/\d+/attention/.*|/invite/.*",
        "finding": r"/clients\b.*",
        "news": r"/(news|mail)\b.*",
        "duty": r"/(duty|away)\b.*",
        "governance": r"/(governance|withheld)\b.*",
        "administration": r"/administration\b.*",
    }
)
PAGES: list[NodePage] = HELP.pages()
