"""Settings of the pages that would let nobody in are told before they do."""

import pytest
from pydantic import ValidationError

from node.web_settings import WebSettings


@pytest.mark.parametrize(
    "said",
    [
        {"web_certificate": "a.pem", "web_key": "a.key"},  # forms come from https://…
        {"web_certificate": "a.pem", "web_key": "a.key", "web_address": "http://pages.example"},
        {"web_address": "https://pages.example:443"},  # browsers leave the usual port out
        {"web_address": "http://pages.example:80"},
    ],
)
def test_an_address_from_which_every_form_would_be_refused_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WebSettings(**said)


def test_an_address_as_browsers_send_it_is_taken() -> None:
    address = "https://pages.example:8443"
    kept = WebSettings(web_certificate="a.pem", web_key="a.key", web_address=address)
    assert kept.web_address == address
