"""The page of formats says what the tests hold."""

from tests.lists import page


def test_the_page_is_what_the_cases_say():
    assert page.PAGE.read_text("utf-8") == page.page(), "write it again: python -m tests.lists.page"
