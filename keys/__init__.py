"""Threshold-OPRF arithmetic and distributed key generation (pure); keys/holder is the daemon."""
