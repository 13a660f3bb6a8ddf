"""What a route raises when it does not do what was asked; `app` turns it into an answer."""


class PageError(Exception):
    """A request that is refused. status: HTTP status, detail: a sentence for the requester."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
