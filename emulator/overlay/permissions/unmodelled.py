"""What this emulator cannot decide, so that a gap of its own is never taken for an answer of AWS's."""


class Unmodelled(Exception):
    """Named so that it can be read after "the emulator's IAM does not know"."""
