"""Help with each journey of the operator's pages."""

from hub.web.pages.desk import HubPage
from web.help import Help

HELP = Help(
    {
        "start": r"/",
        "sign_in": r"/(sign-in|sign-out|welcome|your-sign-ins)\b.*",
        "applicants": r"/applicants\b.*",
        "members": r"/members\b.*",
        "invitations": r"/(invitations|waves)\b.*",
        "agreement": r"/charter\b.*",
        "numbers": r"/(take-up|key-holders)\b.*",
    }
)
PAGES: list[HubPage] = HELP.pages()
