"""Enforces IAM for chosen callers. The table in ``rows`` has AWS's checks for each operation."""
