"""patchwork-hub: the council operator's commands, each in a module that is loaded when it runs.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

from runtime.cli import add_later, make_cli

app = make_cli("patchwork-hub", "Run a council's hub: enrol agencies, match, broker, keep the log.")
add_later(
    app,
    "hub.cli.set_up",
    {
        "set-up": (
            "Lead through founding a council and bringing its agencies in. Run again, it goes on."
        ),
    },
)
add_later(
    app,
    "hub.cli.founding",
    {
        "init": "Make a new hub's keys and folder; prints the charter id.",
        "ceremony": "Write terms.json, which every key holder needs to deal and combine.",
        "found": "Write the first charter into the log; prints the genesis fingerprint.",
    },
)
add_later(
    app,
    "hub.cli.members",
    {
        "invite": (
            "Make a one-time invitation, to be handed to one new member; prints it. Or list them."
        ),
        "members": (
            "Show who applied and who is a member; approve, refuse, stop, reinstate, rename or "
            "resize one, each by its name or its party id."
        ),
    },
)
add_later(
    app,
    "hub.cli.accounts",
    {"accounts": "Who may sign in to the operator's pages: invite, list, close, sign out."},
)
add_later(
    app,
    "hub.cli.explain",
    {
        "explain": (
            "Say in words why two records are linked, or wait for people; of a hint, whom to call. "
            "No values: there are none."
        ),
    },
)
add_later(app, "hub.cli.serving", {"serve": "Run the hub until stopped."})
add_later(
    app,
    "hub.cli.log",
    {
        "erase": (
            "Erase what the charter's retention rules say is due; the running hub does so "
            "every hour."
        ),
    },
)
add_later(
    app,
    "hub.cli.backup",
    {
        "backup": "Write an encrypted backup, also while the hub runs. The pepper is not in it.",
        "restore": (
            "Make a hub's folder from a backup. It signs only if no witness has seen a longer log."
        ),
    },
)
add_later(
    app,
    "hub.cli.moving",
    {
        "move-database": (
            "Carry the stopped hub's database to PostgreSQL, or back to a file; go on if "
            "interrupted."
        ),
    },
)
add_later(
    app,
    "hub.cli.succeed",
    {
        "succeed": (
            "Begin a new log after the old one was lost; prints its genesis and its verifier key."
        ),
    },
)
add_later(
    app,
    "hub.cli.figures",
    {
        "figures": (
            "Show how much each agency publishes and how fresh it is, as it said last; in tens and "
            "tenths, so that no small number can be worked out."
        ),
    },
)
add_later(
    app,
    "hub.cli.wishes",
    {"asked-for": "Show which organisations members ask you to invite, and whom to call there."},
)
add_later(
    app,
    "hub.cli.status",
    {
        "status": (
            "Say whether contact details can move, if not why and since when. Exit code 1: "
            "they cannot."
        ),
    },
)
add_later(
    app,
    "hub.cli.charter",
    {"charter": "Show the sharing agreement, and change it while the hub serves."},
)
add_later(
    app,
    "hub.cli.policy",
    {"policy": "Fit and measure a match-key policy on records whose truth is known."},
)


def main() -> None:
    """The console script."""
    app()
