"""The newest word of a donor counts, in whatever order words come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.models import Activity, Contact
from fundraising.preferences import consent

MAY = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)

OPT_IN, OPT_OUT = Activity.Type.OPT_IN, Activity.Type.UNSUBSCRIBE


def word(kind: Activity.Type, days: int = 0, campaign: str = "") -> Activity:
    return Activity(activity_type=kind, activity_date=MAY + days * DAY, tracking_campaign=campaign)


words = st.lists(
    st.builds(word, st.sampled_from([OPT_IN, OPT_OUT]), st.integers(0, 3), st.sampled_from("ab")),
    max_size=6,
)


@given(told=words, data=st.data())
def test_no_order_and_no_repetition_changes_what_is_known(
    told: list[Activity], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(told)) + data.draw(st.permutations(told))
    assert consent.flags(again) == consent.flags(told)


@given(told=words, campaign=st.sampled_from("ab"))
def test_the_newest_word_decides(told: list[Activity], campaign: str) -> None:
    no = consent.flags([*told, word(OPT_OUT, 4)])
    assert (no["opt_in"], no["is_opt_out"]) == (False, True)
    yes = consent.flags([*told, word(OPT_IN, 4, campaign)])
    assert (yes["opt_in"], yes["is_opt_out"]) == (True, False)
    assert (yes["do_not_email"], yes["do_not_solicit"]) == (False, False)
    assert yes["optin_campaign"] == campaign


def test_of_a_yes_and_a_no_of_one_second_the_no_counts() -> None:
    assert consent.flags([word(OPT_OUT), word(OPT_IN)])["opt_in"] is False


def test_a_yes_that_names_no_campaign_leaves_the_last_that_did() -> None:
    told = [word(OPT_IN, 1, "spring"), word(OPT_IN, 2), word(OPT_OUT, 3)]
    assert consent.flags(told)["optin_campaign"] == "spring"


def test_nothing_said_decides_nothing() -> None:
    assert consent.flags([]) == {}


@pytest.fixture
def contact(db: None) -> Contact:
    return Contact.objects.create(do_not_email=True, do_not_solicit=True)


def test_a_yes_clears_what_stood_against_mails(contact: Contact) -> None:
    changed = consent.opt_in(
        contact, MAY, message_id="m1", campaign="spring", medium="email", source="banner"
    )
    assert changed
    contact.refresh_from_db()
    assert (contact.opt_in, contact.is_opt_out) == (True, False)
    assert (contact.do_not_email, contact.do_not_solicit) == (False, False)
    assert (contact.optin_campaign, contact.optin_medium) == ("spring", "email")
    assert (contact.optin_source, contact.message_id) == ("banner", "m1")
    (note,) = Activity.objects.all()
    assert (note.activity_type, note.activity_date) == (OPT_IN, MAY)
    assert (note.message_id, note.tracking_campaign) == ("m1", "spring")


def test_an_older_word_that_comes_late_is_noted_and_changes_nothing(contact: Contact) -> None:
    assert consent.opt_in(contact, MAY + DAY, message_id="m2")
    assert not consent.opt_out(contact, MAY, message_id="m1")
    contact.refresh_from_db()
    assert contact.opt_in is True
    assert Activity.objects.count() == 2


def test_what_staff_set_since_stays_when_an_older_word_comes(contact: Contact) -> None:
    consent.opt_in(contact, MAY + DAY, message_id="m2")
    Contact.objects.update(do_not_email=True)
    consent.opt_in(contact, MAY, message_id="m1")
    consent.opt_in(contact, MAY + DAY, message_id="m3")
    contact.refresh_from_db()
    assert contact.do_not_email


def test_a_word_told_by_two_messages_is_noted_once_under_the_same_one(contact: Contact) -> None:
    for message_id in ("m2", "m1", "m3"):
        consent.opt_out(contact, MAY, message_id=message_id)
    assert [row.message_id for row in Activity.objects.all()] == ["m1"]


def test_the_row_is_read_anew(contact: Contact) -> None:
    """A copy that was read before another word must not undo it."""
    copy = Contact.objects.get(pk=contact.pk)
    consent.opt_out(contact, MAY + DAY, message_id="m2")
    consent.opt_in(copy, MAY, message_id="m1", campaign="spring")
    assert (copy.opt_in, copy.is_opt_out) == (False, True)
    contact.refresh_from_db()
    assert (contact.opt_in, contact.is_opt_out) == (False, True)
    assert contact.optin_campaign == "spring"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_every_order_ends_the_same(contact: Contact, order: tuple[int, ...]) -> None:
    said = [
        lambda: consent.opt_in(contact, MAY, message_id="m1", campaign="a"),
        lambda: consent.opt_out(contact, MAY + DAY, message_id="m2"),
        lambda: consent.opt_in(contact, MAY + 2 * DAY, message_id="m3", campaign="b"),
        lambda: consent.opt_out(contact, MAY + 3 * DAY, message_id="m4"),
    ]
    for number in order:
        said[number]()
    contact.refresh_from_db()
    assert (contact.opt_in, contact.is_opt_out, contact.do_not_email) == (False, True, False)
    assert (contact.optin_campaign, contact.message_id) == ("b", "m4")
