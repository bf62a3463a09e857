"""A place is named with what it lies in, and nothing is said twice."""

from __future__ import annotations

import pytest

from lims.places.models import Place

PROVINCE = Place(kind="province", name="Tỉnh Quảng Ninh")
CITY = Place(kind="district", name="Thành phố Hạ Long", parent=PROVINCE)
COMMUNE = Place(kind="commune", name="Phường Hà Khánh", parent=CITY)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("Điểm lấy mẫu Phường Hà Khánh", "Điểm lấy mẫu Phường Hà Khánh, Thành phố Hạ Long, Tỉnh Quảng Ninh"),
        ("Trạm Y tế phường Hà Khánh", "Trạm Y tế phường Hà Khánh, Thành phố Hạ Long, Tỉnh Quảng Ninh"),
        ("Nhà văn hóa khu 3", "Nhà văn hóa khu 3, Phường Hà Khánh, Thành phố Hạ Long, Tỉnh Quảng Ninh"),
    ],
)
def test_a_site_that_carries_its_communes_name_does_not_say_it_twice(name, full):
    assert Place(kind="site", name=name, parent=COMMUNE).full_name == full


def test_only_whole_words_count_as_the_same_name():
    within = Place(kind="commune", name="An", parent=PROVINCE)
    assert Place(kind="site", name="Hội An", parent=within).full_name == "Hội An, Tỉnh Quảng Ninh"
    assert (
        Place(kind="site", name="Tân Lan", parent=Place(kind="commune", name="an")).full_name == "Tân Lan, an"
    )
