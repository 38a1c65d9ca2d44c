"""What every party agrees on. Pure: no I/O, no clock, no randomness, imports nobody of ours."""
