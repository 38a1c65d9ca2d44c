"""Fitting and measuring a match-key policy on records whose truth is known."""
