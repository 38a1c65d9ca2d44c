"""Which requests are answered by rule, as somebody here chose on a page. node.toml has the rest."""

from typing import Literal, cast

from storage.engine import Transaction

Rule = Literal["ask", "allow"]


class AnswerRules:
    """Rules within one transaction, by our own code of a lawful basis and the asker's class."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def all(self) -> dict[tuple[str, str], Rule]:
        """All that were chosen."""
        rows = self._tx.rows("SELECT basis, member_class, rule FROM answer_rule")
        return {(row["basis"], row["member_class"]): cast("Rule", row["rule"]) for row in rows}

    def get(self, basis: str, member_class: str) -> Rule | None:
        """What was chosen for one basis and class, if anything."""
        sql = "SELECT rule FROM answer_rule WHERE basis = ? AND member_class = ?"
        row = self._tx.one(sql, basis, member_class)
        return cast("Rule", row["rule"]) if row else None

    def put(self, basis: str, member_class: str, rule: Rule) -> None:
        """Choose, in place of what was chosen before."""
        row = {"basis": basis, "member_class": member_class, "rule": rule}
        self._tx.put("answer_rule", row, ("basis", "member_class"))
