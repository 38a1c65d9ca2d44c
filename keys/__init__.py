"""Threshold-OPRF arithmetic and key birth (pure); keys/holder is the key holder's daemon."""
