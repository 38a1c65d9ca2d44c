"""patchwork-audit: the auditor's commands, and the stand-alone witness; loaded when they run.

Exit codes: 0 clean, 1 integrity broken, 2 wrong usage or set-up, 3 incomplete (something is
missing or did not answer), 4 intact but with rule findings.
"""

from runtime.cli import add_later, make_cli

app = make_cli("patchwork-audit", "Audit a log: fetch, verify, open, report. Run a witness.")
add_later(
    app,
    "audit.cli.set_up",
    {
        "set-up": (
            "Lead an auditor from nothing to a checked log. Run again, it fetches and checks anew."
        ),
    },
)
add_later(
    app,
    "audit.cli.commands",
    {
        "init": "Make an auditor's keys and folder.",
        "join": "Apply to a hub as its auditor; prints the words to read to the operator.",
        "fetch": "Copy a log, and its payloads if we are its auditor, into a case folder.",
        "verify": (
            "Check tree, tiles, genesis, public leaves, quorum and every signature. No network."
        ),
        "open": "Verify, then check every payload and make every decision again. No network.",
        "report": (
            "Open a case and write a report for people: a page with pictures, CSV, JSON. No "
            "network."
        ),
        "commit": "Log a commitment to a secret number, from which a sample will be drawn.",
        "sample": "Draw the sample: every override, then by lot. Writes a worksheet. No network.",
        "bundle": "Write the evidence of one entry, for openssl and other tools. No network.",
        "monitor": (
            "Watch a log for forks, rollback, lost quorum, new keys and charters. Stops at proof."
        ),
    },
)
add_later(app, "audit.witness.cli", {"witness": "Run a witness for one or more logs."})


def main() -> None:
    """The console script."""
    app()
