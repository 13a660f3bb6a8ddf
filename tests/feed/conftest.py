"""What tests of several parts of the feed start."""

from collections.abc import Iterator

import pytest

from tests.mail_sink import MailSink


@pytest.fixture
def sink() -> Iterator[MailSink]:
    made = MailSink()
    yield made
    made.close()
