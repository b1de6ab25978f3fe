"""The fold of data points, as a pure function."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.tracking.summary import LENGTHS, Summary, fold
from tests.tracking.points import messages, point


@given(st.data())
def test_neither_order_nor_repetition_change_the_summary(data: st.DataObject) -> None:
    told = [point(**fields) for fields in data.draw(st.lists(messages, max_size=6))]
    repeated = told + (data.draw(st.lists(st.sampled_from(told), max_size=4)) if told else [])
    assert fold(data.draw(st.permutations(repeated))) == fold(told)


def test_nothing_told_is_nothing_known() -> None:
    assert fold([]) == Summary()


def test_partial_messages_complete_each_other() -> None:
    summary = fold(
        [
            point(country="NL", source_enqueued_time=1),
            point(contribution_id="5", source_enqueued_time=9),
            point(language="nl", source_enqueued_time=2),
        ]
    )
    assert (summary.country, summary.language, summary.contribution_id) == ("NL", "nl", 5)


def test_an_older_message_that_comes_late_overwrites_nothing() -> None:
    newer = point(country="NL", source_enqueued_time=20)
    older = point(country="DE", source_enqueued_time=10)
    assert fold([newer, older]).country == "NL"


def test_a_message_without_a_push_time_counts_as_older() -> None:
    assert fold([point(country="NL", source_enqueued_time=1), point(country="DE")]).country == "NL"


@pytest.mark.parametrize("blank", [None, "", " ", False])
def test_a_blank_takes_nothing_back(blank: object) -> None:
    summary = fold(
        [
            point(utm_key="ptf_1", source_enqueued_time=1),
            point(utm_key=blank, source_enqueued_time=2),
        ]
    )
    assert summary.utm_key == "ptf_1"


def test_false_is_an_answer() -> None:
    summary = fold(
        [
            point(is_recurring=True, source_enqueued_time=1),
            point(is_recurring=False, source_enqueued_time=2),
        ]
    )
    assert summary.is_recurring is False


class TestLink:
    """The contribution of a visit."""

    def test_the_first_link_stands_and_others_are_counted(self) -> None:
        links = [point(contribution_id=n, source_enqueued_time=n) for n in (5, 6, 7)]
        summary = fold(reversed(links))
        assert (summary.contribution_id, summary.link_conflicts) == (5, 2)

    def test_text_and_number_are_the_same_contribution(self) -> None:
        summary = fold([point(contribution_id="5"), point(contribution_id=5)])
        assert (summary.contribution_id, summary.link_conflicts) == (5, 0)

    def test_the_other_fields_of_a_conflicting_message_count(self) -> None:
        summary = fold(
            [
                point(contribution_id=5, source_enqueued_time=1),
                point(contribution_id=6, country="NL", source_enqueued_time=2),
            ]
        )
        assert (summary.contribution_id, summary.country) == (5, "NL")

    def test_a_link_of_an_audit_comes_last(self) -> None:
        summary = fold(
            [
                point(contribution_id=5, utm_medium="audit", source_enqueued_time=1),
                point(contribution_id=6, source_enqueued_time=2),
            ]
        )
        assert (summary.contribution_id, summary.link_conflicts) == (6, 1)

    def test_a_link_that_is_taken_back_does_not_count_whenever_it_was_made(self) -> None:
        taken_back = point(unlinked_contribution_id=5, source_enqueued_time=1)
        links = [point(contribution_id=n, source_enqueued_time=n) for n in (5, 6)]
        assert fold(links[:1]).contribution_id == 5
        summary = fold([*links, taken_back])
        assert (summary.contribution_id, summary.link_conflicts) == (6, 0)
        assert fold([links[0], taken_back]).contribution_id is None


class TestAudit:
    """What an audit makes up for a donation of whose visit nothing is known."""

    audit = point(utm_medium="audit", utm_source="audit", country="FR", source_enqueued_time=9)

    def test_it_counts_when_nothing_else_is_known(self) -> None:
        summary = fold([self.audit, point(contribution_id=5, source_enqueued_time=10)])
        assert (summary.utm_medium, summary.country, summary.contribution_id) == ("audit", "FR", 5)

    def test_it_counts_for_nothing_beside_a_real_visit(self) -> None:
        summary = fold([self.audit, point(utm_campaign="C26", source_enqueued_time=1)])
        assert (summary.utm_medium, summary.utm_source, summary.country) == ("", "", "")
        assert summary.utm_campaign == "C26"


class TestColumns:
    """What is read out of the fields."""

    def test_banner(self) -> None:
        summary = fold(
            [point(utm_source="B2526_1121_enUS_dsk_p1_lg_template.Landing.rcc", utm_key="x~ptf_1")]
        )
        assert summary.banner == "B2526_1121_enUS_dsk_p1_lg_template"
        assert summary.banner_variant == "1121"
        assert summary.banner_size == "Large"
        assert summary.device_type == "Desktop"
        assert summary.landing_page == "Landing"
        assert summary.is_test_variant is True
        assert summary.is_pay_fee is True

    def test_mailing(self) -> None:
        summary = fold([point(utm_source="sp72294511.default~default~control.cc")])
        assert summary.mailing_identifier == "sp72294511"
        assert summary.banner == ""
        assert summary.device_type == ""

    @pytest.mark.parametrize("word", ["script", " union ", " select "])
    def test_no_word_in_a_banner_loses_data(self, word: str) -> None:
        summary = fold([point(utm_source=f"B25_{word}_dsk.Landing.cc")])
        assert summary.banner == f"B25_{word}_dsk"
        assert summary.landing_page == "Landing"

    def test_what_is_read_out_follows_the_newest_utm_source(self) -> None:
        summary = fold(
            [
                point(utm_source="B25_new_m_sm.Two.cc", source_enqueued_time=2),
                point(utm_source="B25_old_dsk_lg.One.cc", source_enqueued_time=1),
            ]
        )
        assert (summary.banner_variant, summary.device_type) == ("new", "Mobile")

    def test_flags_of_unknown_sources_are_unknown(self) -> None:
        summary = fold([point(country="NL")])
        assert summary.is_test_variant is None
        assert summary.is_pay_fee is None

    @pytest.mark.parametrize(
        ("key", "choice"), [("x~UpSell~y", "Upsell"), ("vw_1280", "Organic"), ("", "")]
    )
    def test_recurring_choice(self, key: str, choice: str) -> None:
        assert fold([point(utm_key=key, is_recurring=1)]).recurring_choice == choice

    def test_ts_wins_over_tracking_date(self) -> None:
        summary = fold(
            [
                point(ts="20261120094413", source_enqueued_time=1),
                point(tracking_date="2026-11-19", source_enqueued_time=2),
            ]
        )
        assert summary.tracking_date == datetime(2026, 11, 20, 9, 44, 13, tzinfo=UTC)

    def test_options_are_labels_and_unknown_ones_stay_as_they_are(self) -> None:
        known = fold([point(payment_method="cc", payment_submethod="visa")])
        assert (known.payment_method, known.payment_submethod) == (
            "Credit Card",
            "Credit Card: Visa",
        )
        assert fold([point(payment_method="rtbt")]).payment_submethod == ""
        strange = fold([point(payment_method="shells", payment_submethod="cowrie")])
        assert (strange.payment_method, strange.payment_submethod) == ("shells", "cowrie")

    @pytest.mark.parametrize(
        ("log_id", "kept"),
        [
            ("0123456789abcdef", "0123456789abcdef"),
            ("0123456789", "0123456789"),
            ("012345678", ""),
            ("0" * 21, ""),
            ("0123456789ABCDEF", ""),
        ],
    )
    def test_banner_history_log_id(self, log_id: str, kept: str) -> None:
        assert fold([point(banner_history_log_id=log_id)]).banner_history_log_id == kept

    def test_an_unusable_log_id_takes_nothing_back(self) -> None:
        summary = fold(
            [
                point(banner_history_log_id="0123456789abcdef", source_enqueued_time=1),
                point(banner_history_log_id="<none>", source_enqueued_time=2),
            ]
        )
        assert summary.banner_history_log_id == "0123456789abcdef"

    def test_app_install_id(self) -> None:
        assert fold([point(app_install_id="f00")]).app_install_id == "f00"

    def test_text_is_cut_by_characters(self) -> None:
        summary = fold([point(utm_campaign="募" * 200, country="Nederland", referrer="é" * 5000)])
        assert summary.utm_campaign == "募" * LENGTHS["utm_campaign"]
        assert summary.country == "Ne"
        assert summary.referrer == "é" * 4096

    def test_amount_is_rounded_and_capped(self) -> None:
        assert fold([point(amount="1.0005")]).amount == Decimal("1.001")
        assert fold([point(amount="9" * 40)]).amount == Decimal(99_999_999_999_999_999)
