"""Where the backups lie that somebody makes on a page, and who can open them: part of node.toml.

Who can open a backup is said at the machine and nowhere else: a page that could say it would be a
way to carry all records out.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

Recipient = Annotated[str, StringConstraints(pattern=r"^age1[0-9a-z]{20,200}$")]


class BackupSettings(BaseModel):
    """Backups that are made on a page."""

    backup_folder: str = Field(
        "",
        description="The folder for backups that your people make on a page, as an absolute path; "
        "empty: none are made there. Changed: they lie elsewhere, and those before are not found.",
    )
    backup_recipients: list[Recipient] = Field(
        default_factory=list,
        description="The age recipients (age1...) of these. "
        "Changed: whoever has the key of another one can open all that the node has.",
    )

    @model_validator(mode="after")
    def _backup(self) -> Self:
        if bool(self.backup_folder) != bool(self.backup_recipients):
            raise ValueError("backup_folder and backup_recipients go together")
        if self.backup_folder and not Path(self.backup_folder).is_absolute():
            raise ValueError("backup_folder: write an absolute path")
        return self
