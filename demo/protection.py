"""The chapter of a child with a protection plan: found, asked about, answered late, and refused."""

from typing import Any

from demo.council import CHILD, HEALTH
from demo.days import S17, Days
from demo.stage import ROOT

JUNIPER = ("Juniper", "Thorne", "2017-02-17", "LX2 6HB")
COLLEAGUE = "B. Adeyemi"


class Protection(Days):
    """The steps of the chapter."""

    def a_plan_is_found(self) -> None:
        """A child protection plan is found whatever the importing clerk left blank."""
        said = self._import(CHILD, "plan.csv")
        self._story.expect("findable by law" in said, "the import says so")
        self._story.node(CHILD, "publish")
        self._add(HEALTH, "j-health", JUNIPER, "health_visiting", "--consent", "today")
        self._sees(HEALTH, "j-health", ["Child protection plan"])
        self._tell(
            "The clerk left the columns of permission blank. The law says that a child protection "
            "plan is found, so the health visitor sees it."
        )
        said = self._story.node(CHILD, "withdraw", "j-child", "--as", CHILD.person)
        self._story.expect("Still found by others" in said, "it is said what stays")
        self._tell(said.strip().splitlines()[-1])

    def nobody_answers(self) -> None:
        """What nobody answers in time is overdue: the hub says so to both, and an answer counts."""
        change, hub = ROOT / "at-once.toml", str(ROOT / "hub")
        change.write_text(
            "[answering]\nurgent_duty_hours = 0\nurgent_manager_hours = 0\n", encoding="utf-8"
        )
        self._stage.run("patchwork-hub", "charter", "change", str(change), "--yes", "--dir", hub)
        plan = self._story.team(HEALTH, "j-health")["others"][0]["reference"]
        self._story.node(
            HEALTH, "ask", "j-health", plan, "--as", HEALTH.person, "--role", "health_visitor",
            "--purpose", "safeguarding_child", "--basis", "UK-VITAL",
            "--fact", "break_glass_reason=child", "--fact", "danger=Nobody opens the door",
        )  # fmt: skip
        self._stage.until(
            lambda: (self._last(HEALTH, "j-health")["clock"] or {}).get("overdue"),
            "the hub says that it is overdue",
        )
        waiting = self._stage.until(self._overdue_at_child, "the other side is told too")
        self._tell(
            "For life or death hours count day and night, and in this demo the charter gives none. "
            f"The hub says in the log that it is late. {CHILD.name} reads: "
            f"{waiting['clock']['says']}."
        )
        self._story.node(CHILD, "answer", waiting["request_id"], "--allow", "--as", CHILD.person)
        self._stage.until(
            lambda: self._last(HEALTH, "j-health")["state"] == "opened", "the card opens"
        )
        says = self._last(HEALTH, "j-health")["clock"]["says"]
        self._tell(f"An answer still counts. The card opens, and the request {says}.")

    def _overdue_at_child(self) -> dict[str, Any]:
        """The last request to children's services, once it is overdue there."""
        found = self._story.inbox(CHILD)["received"][-1]
        return found if (found["clock"] or {}).get("overdue") else {}

    def a_colleague_refuses(self) -> None:
        """Whoever has a request passes it on; who refuses says why, to the asker alone."""
        request = self._asks(HEALTH, CHILD, "j-health", S17)
        self._story.node(CHILD, "people add", COLLEAGUE)
        said = self._story.node(CHILD, "answer", request, "--allow", "--as", COLLEAGUE, expect=1)
        self._story.expect("this request is with" in said, "it is said who has it")
        self._story.node(CHILD, "pass", request, "--to", COLLEAGUE, "--as", CHILD.person)
        why = "The court has sealed this part of the record. Ask the court."
        self._story.node(
            CHILD, "answer", request, "--refuse", "excluded_information", "--reason", why,
            "--as", COLLEAGUE,
        )  # fmt: skip
        read = self._stage.until(
            lambda: self._last(HEALTH, "j-health")["reason"], "the refusal comes with its reason"
        )
        self._story.expect(read == why, "the reason opens")
        files = [path for path in (ROOT / "hub").rglob("*") if path.is_file()]
        self._story.expect(
            not any(b"sealed this part" in path.read_bytes() for path in files), "the hub has none"
        )
        self._tell(
            f"{COLLEAGUE} may not answer before {CHILD.person} passes the request on. The refusal "
            f"says why in writing, and only the health visitor reads it: {read}"
        )
