"""Who belongs: founding, enrolment, membership, charters, a successor of a lost log."""
