"""The auditor: fetch, verify, re-decide; and the stand-alone witness."""
