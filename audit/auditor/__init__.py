"""The auditor as a party: its keys, its enrolment, its hold of a folder."""
