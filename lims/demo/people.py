"""Invented people: Vietnamese names put together from lists, birth dates, identity numbers, telephones. Pure.

The lists are of the most frequent family names and of ordinary middle and given names; no combination is meant to be
anybody. The same generator and seed give the same people.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

FAMILY = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương",
    "Lý", "Đinh", "Đoàn", "Lương", "Trịnh", "Mai", "Tô", "Cao", "Lưu", "Hà", "Vương", "Tạ", "Phùng", "Chu", "Nông",
)  # fmt: skip
# how often each is met, roughly: Nguyễn is more than a third
FAMILY_WEIGHTS = (38, 11, 9, 7, 5, 5, 4, 4, 4, 3) + (1,) * 20
MIDDLE = {
    "female": ("Thị", "Thị Thu", "Ngọc", "Thu", "Thị Minh", "Bích", "Kim", "Thị Hồng", "Phương", "Diệu"),
    "male": ("Văn", "Đức", "Hữu", "Quang", "Minh", "Công", "Đình", "Xuân", "Thành", "Ngọc"),
}
GIVEN = {
    "female": (
        "Hoa", "Lan", "Hương", "Mai", "Hạnh", "Thảo", "Trang", "Linh", "Nga", "Hằng", "Yến", "Thủy", "Oanh", "Ánh",
        "Dung", "Loan", "Hiền", "Quỳnh", "Vân", "Ngân", "Ân", "Ăn", "Đào", "Uyên",
    ),
    "male": (
        "Hùng", "Dũng", "Tuấn", "Nam", "Long", "Sơn", "Hải", "Khánh", "Bình", "Phong", "Thắng", "Tùng", "Đạt", "Kiên",
        "Quân", "An", "Toàn", "Vinh", "Cường", "Lâm", "Ánh", "Đức", "Trung", "Hiếu",
    ),
}  # fmt: skip
STREETS = (
    "tổ 1",
    "tổ 2",
    "tổ 3",
    "khu 4",
    "khu 5",
    "thôn Đông",
    "thôn Tây",
    "xóm Mới",
    "ngõ 12",
    "khu tập thể",
)
BORN_AFTER = date(1935, 1, 1)
BORN_BEFORE = date(2018, 12, 31)


@dataclass(frozen=True)
class Invented:
    """A person who does not exist.

    Args:
        name: family, middle and given name.
        birth_on: day of birth.
        birth_year_only: True where only the year is known, as is common among the old.
        sex: "female" or "male".
        identity_number: 12 digits of sound structure, or "" for a child.
        phone: 10 digits, or "".
        address: street or hamlet.
        symptoms: words of `lims.intake.rules.SYMPTOMS`.
        is_contact: whether the person met someone infected.
        is_infected: what a perfect test would find.
    """

    name: str
    birth_on: date
    birth_year_only: bool
    sex: str
    identity_number: str
    phone: str
    address: str
    symptoms: tuple[str, ...]
    is_contact: bool
    is_infected: bool

    @property
    def birth_date(self) -> str:
        """The birth date as a form takes it: yyyy, or yyyy-mm-dd."""
        return str(self.birth_on.year) if self.birth_year_only else self.birth_on.isoformat()


def invent_people(*, count: int, prevalence: float, seed: int, province_code: str) -> Iterator[Invented]:
    """Yield people, the same for the same arguments.

    Args:
        count: how many.
        prevalence: share of the infected, 0 to 1; exactly round(count × prevalence) are.
        seed: of the generator.
        province_code: two digits, the beginning of their identity numbers.
    """
    dice = random.Random(seed)
    infected = set(dice.sample(range(count), round(count * prevalence)))
    for number in range(count):
        yield _invent(dice, is_infected=number in infected, province_code=province_code)


def _invent(dice: random.Random, *, is_infected: bool, province_code: str) -> Invented:
    sex = dice.choice(("female", "male"))
    family = dice.choices(FAMILY, FAMILY_WEIGHTS)[0]
    born = BORN_AFTER + timedelta(days=dice.randrange((BORN_BEFORE - BORN_AFTER).days))
    is_child = born.year > 2007
    year_only = born.year < 1960 and dice.random() < 0.3
    ill = dice.random() < (0.3 if is_infected else 0.02)
    return Invented(
        name=f"{family} {dice.choice(MIDDLE[sex])} {dice.choice(GIVEN[sex])}",
        birth_on=date(born.year, 1, 1) if year_only else born,
        birth_year_only=year_only,
        sex=sex,
        identity_number="" if is_child else _identity_number(dice, born, sex, province_code),
        phone="" if is_child else f"0{dice.choice((3, 5, 7, 8, 9))}{dice.randrange(10**8):08d}",
        address=f"{dice.choice(STREETS)}, số {dice.randrange(1, 200)}",
        symptoms=tuple(sorted(dice.sample(("fever", "cough", "sore_throat"), dice.randint(1, 2))))
        if ill
        else (),
        is_contact=dice.random() < (0.5 if is_infected else 0.03),
        is_infected=is_infected,
    )


def _identity_number(dice: random.Random, born: date, sex: str, province_code: str) -> str:
    """Return a number of the structure of Decree 137/2015, article 13: province, century and sex, year, six digits."""
    century_and_sex = (0 if born.year < 2000 else 2) + (sex == "female")
    return f"0{province_code}{century_and_sex}{born.year % 100:02d}{dice.randrange(10**6):06d}"
