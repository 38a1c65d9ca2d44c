"""patchwork-node: one agency's commands, each in a module that is loaded when it runs.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

from runtime.cli import add_later, make_cli

app = make_cli("patchwork-node", "One agency's node: import, publish, see the team, ask, answer.")
add_later(
    app,
    "node.cli.set_up",
    {
        "set-up": (
            "Lead an agency from an invitation to its first publication, and serve. Run again, it "
            "goes on."
        ),
    },
)
add_later(
    app,
    "node.cli.membership",
    {
        "init": "Make a node's folder and settings file (node.toml, yours to edit).",
        "join": "Apply to a hub, wait for approval, and accept its charter.",
        "endorse": (
            "Answer for an organisation that joins late or is large: call it and compare the words."
        ),
        "rotate-keys": (
            "Put new keys in the place of lost or stolen ones; prints words to read to the "
            "operator."
        ),
    },
)
add_later(
    app,
    "node.cli.records",
    {
        "publish": "Publish the clients that may be published; only what changed is sent.",
        "withdraw": "Withdraw permission for a client, here and at the hub, at once.",
    },
)
add_later(
    app,
    "node.cli.requests",
    {
        "team": "Show the team around a client, and somebody to call now.",
        "inbox": "Show requests to you, your own requests, and the cards that came back.",
        "answer": "Answer a request that waits for a person.",
        "pass": "Pass a request that waits for you on to a colleague. Its clock runs on.",
        "disclose": (
            "Write what your agency went by when it answered a request, for an auditor who asks."
        ),
    },
)
add_later(
    app,
    "node.cli.asking",
    {
        "ask": (
            "Ask for the contact details of somebody in a client's team; it says to whom it goes."
        ),
        "drafts": (
            "Show the requests that could not be sent or were refused, to go on with; or delete "
            "one."
        ),
    },
)
add_later(
    app,
    "node.cli.news",
    {"news": "Show what is new of your clients, and your requests, since you looked last."},
)
add_later(
    app,
    "node.cli.attention",
    {
        "raise-attention": (
            "Tell the team around a client, in one code of the charter's, that something happened."
        ),
        "seen-attention": (
            "Say that you have seen to what another organisation raised; it is not told."
        ),
        "invite-agency": (
            "Ask the council to invite an organisation that you miss; it calls the duty line."
        ),
    },
)
add_later(
    app,
    "node.cli.serving",
    {
        "serve": "Fetch mail, send what waits and release what is allowed, until stopped.",
    },
)
add_later(
    app,
    "node.cli.description",
    {
        "api-description": (
            "Print what the local interface can do, as an OpenAPI 3.1 document for programs."
        ),
    },
)
add_later(
    app,
    "node.cli.importing",
    {
        "import": (
            "Take in clients from a CSV file or an .xlsx workbook, by a mapping that you confirm."
        ),
        "held": (
            "Show new clients held back because they may be somebody known, and say who they are."
        ),
    },
)
add_later(
    app,
    "node.cli.introductions",
    {
        "introduce": (
            "Ask who a sensitive service is that can be reached: it is told at once who asks and "
            "why."
        ),
    },
)
add_later(
    app,
    "node.cli.people",
    {
        "review": "Show the links that wait for a person, or say what one is.",
        "identity-check": (
            "Have name, birth date and postcode compared by the organisation at the other "
            "end, which is told at once who asks and why."
        ),
        "identity-answer": (
            "Answer an identity check, after you compared their details with your record."
        ),
        "wrong-person": (
            "Say that a card was about the wrong person: it is recalled and the link ends."
        ),
        "recall": (
            "Have a card deleted that you released, without saying why; or decide that it stays."
        ),
        "release-now": (
            "Life or death, and witnesses are away: let an allowed card go before they have signed."
        ),
        "duplicates": (
            "Show which of your own clients look like one person twice; nobody else is told."
        ),
        "alerts": (
            "Show what your lead for information governance must know: recalled cards, and "
            "cards that left or came before witnesses had signed."
        ),
    },
)
add_later(
    app,
    "node.cli.monitor",
    {
        "monitor": (
            "Look at the log once, as the running node does all the time, and show what is amiss."
        ),
        "alarms": "Show what this node has noticed, and put away what a person has dealt with.",
        "retry": (
            "Try again what a fault of this program kept from being done, and show what still "
            "fails."
        ),
    },
)
add_later(
    app,
    "node.cli.details",
    {
        "details": (
            "Show what everybody sees of your agency; with an option, change it for everybody."
        ),
    },
)
add_later(
    app,
    "node.cli.backup",
    {
        "backup": (
            "Write an encrypted backup, also while the node runs. Recovery keys are not in it."
        ),
        "restore": "Make a node's folder from a backup. It first asks the hub what it missed.",
        "resync": "After a backup was put back: ask the hub what was missed, and say what is lost.",
    },
)
add_later(
    app,
    "node.cli.charter",
    {"charter": "Read the sharing agreement in force, and sign a new one."},
)
add_later(
    app,
    "node.cli.register",
    {"people": "Who may act for your organisation: workers as imported, and others."},
)
add_later(
    app,
    "node.cli.accounts",
    {"accounts": "Who may sign in to the pages: invite, list, dates, close, sign out."},
)
add_later(
    app,
    "node.cli.clients",
    {"clients": "Your own clients: add, find, correct, close, merge."},
)
add_later(
    app,
    "node.cli.enquiries",
    {"enquire": "Ask who works with somebody who is not your client: new, list, close."},
)
add_later(
    app,
    "node.cli.consents",
    {"consent": "What your clients agreed to: give, show, withdraw, receipt."},
)
add_later(
    app,
    "node.cli.objections",
    {"objection": "What your clients object to being shared."},
)
add_later(
    app,
    "node.cli.forgetting",
    {"forget": "Delete what is over and has been kept long enough, or only show what would go."},
)
add_later(
    app,
    "node.cli.withholding",
    {"withhold": "Keep a client unpublished, in danger: a manager and the lead together."},
)


def main() -> None:
    """The console script."""
    app()
