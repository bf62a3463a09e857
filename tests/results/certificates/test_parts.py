"""The parts of a certificate: base45 against the library, names as in a passport, identifiers, what is cut off."""

from __future__ import annotations

import json

import base45 as library
import pytest
from hypothesis import given
from hypothesis import strategies as st
from results.certificates.made import a_signer
from results.certificates.vectors import FOLDER

from lims.intake.birth_dates import BirthDate
from lims.results.certificates import base45
from lims.results.certificates.container import read_claims, read_cose, unpack
from lims.results.certificates.payload import HEALTH, name_test
from lims.results.certificates.schema import list_faults
from lims.results.certificates.transliteration import transliterate
from lims.results.certificates.uvci import ALPHABET, check_character, hash_uvci, make_uvci


def test_base45_of_every_two_bytes_is_the_librarys():
    for first in range(256):
        pairs = b"".join(bytes((first, second)) for second in range(256))
        assert base45.encode(pairs) == library.b45encode(pairs).decode()
        assert base45.decode(base45.encode(pairs)) == pairs


@given(st.binary(max_size=600))
def test_base45_goes_and_comes(content):
    written = base45.encode(content)
    assert written == library.b45encode(content).decode()
    assert base45.decode(written) == content


@given(st.text(alphabet=base45.ALPHABET, max_size=12))
def test_base45_refuses_what_the_library_refuses(text):
    try:
        wanted = library.b45decode(text)
    except ValueError:
        with pytest.raises(ValueError):
            base45.decode(text)
    else:
        assert base45.decode(text) == wanted


@pytest.mark.parametrize("text", ["a", "ab", "QED8WEX0\n", "đ00", "0", ":::", "::", "GGX", "\x0000"])
def test_base45_refuses(text):
    with pytest.raises(ValueError):
        base45.decode(text)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Nguyễn Thị Hồng Ánh", "NGUYEN<THI<HONG<ANH"),
        ("Đặng Đình Đức", "DANG<DINH<DUC"),
        ("Phượng Vũ Quỳnh Uyển Ỷ Lộc", "PHUONG<VU<QUYNH<UYEN<Y<LOC"),
        ("H'Thử Niê-Kđăm", "HTHU<NIE<KDAM"),
        ("  A   - B ", "A<B"),
        ("Łukasz Øst Ærø ßtraß Ðþ", "LUKASZ<OEST<AEROE<SSTRASS<DTH"),
        ("ệ" * 100, "E" * 80),
        ("Ткаченко", ""),
        ("", ""),
    ],
)
def test_names_as_a_passports_machine_readable_zone(name, zone):
    assert transliterate(name) == zone


@given(st.text(max_size=40))
def test_every_name_gives_letters_and_the_same_composed_or_not(name):
    import unicodedata

    zone = transliterate(name)
    assert set(zone) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ<")
    assert transliterate(unicodedata.normalize("NFD", unicodedata.normalize("NFC", name))) == zone


@pytest.mark.parametrize("born", [BirthDate(1980), BirthDate(1980, 2), BirthDate(1980, 2, 29)])
@pytest.mark.parametrize("name", ["Nguyễn Thị Thử", "Y", "Lê " + "Thử " * 40])
def test_what_is_written_fits_the_schema(name, born):
    content = read_claims(read_cose(unpack(a_signer().write(name=name, born=born))).payload)[HEALTH][1]
    assert list_faults(content) == []
    assert content["dob"] == born.iso
    values = {
        key: set(
            json.loads((FOLDER / f"valuesets/{file}.json").read_text(encoding="utf-8"))["valueSetValues"]
        )
        for key, file in (
            ("tg", "disease-agent-targeted"),
            ("tt", "test-type"),
            ("tr", "test-result"),
            ("co", "country-2-codes"),
        )
    }
    assert all(content["t"][0][key] in known for key, known in values.items())


def test_how_many_were_tested_together_is_never_cut_off():
    assert name_test(kit="K" * 100, pooled=10).endswith(", RT-PCR pool of 10")
    assert len(name_test(kit="K" * 100, pooled=10)) == 80
    assert name_test(kit="K", pooled=1) == "K, RT-PCR"


def test_identifiers_check_themselves_and_cannot_be_guessed():
    made = {make_uvci() for _ in range(100)}
    assert len(made) == 100
    for uvci in made:
        plain, _, check = uvci.partition("#")
        assert check_character(plain) == check
        assert len(hash_uvci(uvci)) == 16
        wrong = plain[:-1] + ALPHABET[(ALPHABET.index(plain[-1]) + 1) % len(ALPHABET)]
        assert check_character(wrong) != check


@pytest.mark.parametrize(
    "uvci",
    [
        "URN:UVCI:01:AT:10807843F94AEE0EE5093FBC254BD813#B",
        "URN:UVCI:01:DK:B19D10B4E18551559EBDEE46248DA883#S",
        "URN:UVCI:01:FR:476R6WUM8B9U#0",
        "URN:UVCI:01:FR:Y4996KBJ4Q3Q#:",
        "URN:UVCI:01:SI:C5E8734F3DF8B66CE053#F",
    ],
)
def test_the_check_character_is_that_of_other_countries(uvci):
    plain, _, check = uvci.partition("#")
    assert check_character(plain) == check


def test_a_certificate_holds_nothing_of_a_person_but_name_and_birth_date():
    text = a_signer().write()
    content = read_claims(read_cose(unpack(text)).payload)[HEALTH][1]
    assert content.keys() == {"ver", "nam", "dob", "t"}
