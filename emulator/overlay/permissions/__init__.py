"""Enforces IAM for chosen callers: what AWS checks for each operation is the table in ``rows``."""
