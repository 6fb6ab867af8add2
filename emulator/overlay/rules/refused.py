"""The error of an operation, as its code raises it. The frame of each service writes it in the form of that service."""


class Refused(Exception):
    """An error that answers the whole request."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
