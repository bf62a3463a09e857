"""When messages go, how often they are tried, and what they say: in one segment, without finding and name."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims import clock
from lims.codes import mint
from lims.outbox import mail_text, rules, sms_text

LONG_PORTAL = "https://xetnghiem-covid19.quangninh.gov.vn"
# what would give away a finding, in either language and without marks
GIVES_AWAY = (
    "duong tinh",
    "am tinh",
    "duong",
    "positive",
    "negative",
    "detected",
    "lay mau lai",
    "xet nghiem lai",
)
HOURS = st.integers(0, 23)


def at(hour: int, minute: int = 0) -> datetime:
    """Return a moment of 16 August 2021, local time."""
    return datetime(2021, 8, 16, hour, minute, tzinfo=clock.ZONE)


def run_at(local: datetime, kind: str = "sms", quiet: tuple[int, int] = (21, 7)) -> datetime:
    """Return when a message goes."""
    return rules.calculate_run_at(local, kind=kind, quiet_from_hour=quiet[0], quiet_until_hour=quiet[1])


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        (at(20, 59), at(20, 59)),
        (at(21), at(7) + timedelta(days=1)),
        (at(23, 59), at(7) + timedelta(days=1)),
        (at(0), at(7)),
        (at(6, 59), at(7)),
        (at(7), at(7)),
    ],
)
def test_people_are_left_alone_across_midnight(now, goes):
    assert run_at(now) == goes
    assert run_at(now, kind="alert") == now
    assert run_at(now, kind="webhook") == now


def test_quiet_hours_within_a_day_and_none_at_all():
    assert run_at(at(12, 30), quiet=(12, 14)) == at(14)
    assert run_at(at(11, 59), quiet=(12, 14)) == at(11, 59)
    assert run_at(at(3), quiet=(0, 0)) == at(3)


@given(st.integers(0, 3 * 24 * 60), HOURS, HOURS)
def test_a_message_never_goes_in_the_quiet_hours_and_never_waits_a_day(minutes, quiet_from, quiet_until):
    now = at(0) + timedelta(minutes=minutes)
    goes = run_at(now, quiet=(quiet_from, quiet_until))
    assert not rules.is_quiet(goes, quiet_from_hour=quiet_from, quiet_until_hour=quiet_until)
    assert now <= goes <= now + timedelta(days=1)


def test_it_is_tried_again_after_half_a_minute_then_twice_as_long_up_to_an_hour():
    seconds = [rules.calculate_delay(n, kind="sms").total_seconds() for n in (1, 2, 3, 4, 7, 8, 9, 99)]
    assert seconds == [30, 60, 120, 240, 1920, 3600, 3600, 3600]
    assert rules.calculate_delay(99, kind="alert") == timedelta(minutes=5)


def test_what_may_have_left_is_never_sent_again_by_itself():
    for attempts in range(1, rules.MOST_ATTEMPTS + 5):
        assert rules.judge_failure(attempts, is_known=False, is_idempotent=False) == "unsure"
    assert rules.judge_failure(1, is_known=True, is_idempotent=False) == "queued"
    assert rules.judge_failure(1, is_known=False, is_idempotent=True) == "queued"
    assert rules.judge_failure(rules.MOST_ATTEMPTS, is_known=True, is_idempotent=False) == "given_up"


@given(st.integers(1, rules.MOST_TOGETHER), st.sampled_from(rules.TO_PEOPLE))
def test_what_people_are_told_is_one_segment_without_finding_and_the_same_for_all(count, template):
    codes = [mint("declaration") for _ in range(count)]
    text = sms_text.say_to_people(template, declaration_codes=codes, base_url=LONG_PORTAL)
    assert sms_text.count_segments(text) == 1
    assert text.isascii()
    assert f"{LONG_PORTAL}/results" in text
    assert not [word for word in GIVES_AWAY if word in text.lower()]
    shown = [code for code in codes if sms_text.grouped(code) in text]
    assert shown or count > 1
    assert count == 1 or f" {count} to khai" in text


def test_a_result_is_announced_in_the_same_words_whatever_was_found():
    """The text is made from template and declaration alone; a finding is not even at hand."""
    assert set(sms_text.PEOPLE) == set(sms_text.HOUSEHOLDS) == set(rules.TO_PEOPLE)


def test_segments_are_counted_as_the_network_does():
    assert sms_text.count_segments("a" * 160) == 1
    assert sms_text.count_segments("a" * 161) == 2
    assert sms_text.count_segments("[" * 80) == 1
    assert sms_text.count_segments("[" * 81) == 2
    assert sms_text.count_segments("ế" * 70) == 1
    assert (
        sms_text.count_segments(
            "Đã có kết quả xét nghiệm, xem tại cổng tra cứu bằng mã và ngày sinh của bạn."
        )
        == 2
    )


def test_an_address_that_would_need_a_second_segment_is_refused_at_the_start():
    assert sms_text.fits(LONG_PORTAL)
    assert not sms_text.fits("https://" + "x" * 100)
    assert not sms_text.fits("https://xét-nghiệm.vn")


@pytest.mark.parametrize("count", [1, 2, 7, 96])
def test_an_alert_of_pools_names_as_many_as_fit_and_counts_the_rest(count):
    data = {"laboratory": "PXN-01", "run": mint("plate"), "pools": [mint("pool") for _ in range(count)]}
    text = sms_text.say_alert("positive_pools", data)
    assert sms_text.count_segments(text) == 1
    assert f"{count} mau gop" in text
    subject, mail = mail_text.say_alert("positive_pools", data, base_url=LONG_PORTAL)
    assert all(sms_text.grouped(pool) in mail for pool in data["pools"])
    assert "PXN-01" in subject


def test_all_alerts_are_one_segment():
    data = {
        "laboratory": "PXN-QN-00123",
        "run": "R" * 9,
        "pools": ["P" * 9],
        "tube": "T" * 9,
        "commune": "06655",
        "sms": "CANH BAO",
        "subject": "Cảnh báo",
        "vi": "Thùng đi quá lâu.",
        "en": "A box is late.",
        "path": "/alarms",
    }
    for template in rules.ALERTS:
        assert sms_text.count_segments(sms_text.say_alert(template, data)) == 1
        assert all(mail_text.say_alert(template, data, base_url=LONG_PORTAL))
