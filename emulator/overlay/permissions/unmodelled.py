"""The error for cases that this emulator cannot decide, so that its own gaps never look like answers of AWS."""


class Unmodelled(Exception):
    """Named so that it can be read after "the emulator's IAM does not know"."""
