"""The bodies that an auditor signs beside `export`: specs/08-audit.md §6.

Shape only. The draw that a commitment leads to is made in audit/report/sampling.py, by anybody.
"""

from typing import Annotated

from pydantic import Field

from protocol.fields import Hex32, WireModel


class SampleCommitmentBody(WireModel):
    """`sample_commitment`: an auditor binds itself to a secret number before a sample is drawn."""

    commitment: Hex32
    count: Annotated[int, Field(ge=1, le=10_000)]
