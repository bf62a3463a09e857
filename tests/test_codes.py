"""Printed codes: what a misread, a slip of the finger or a wrong label does to them."""

import hashlib
import itertools
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims import codes
from lims.errors import InvalidInput

kinds = st.sampled_from(sorted(codes.PREFIXES))
bodies = st.text(codes.ALPHABET, min_size=codes.RANDOM_LENGTH, max_size=codes.RANDOM_LENGTH)
sound_codes = st.builds(
    lambda kind, body: codes.PREFIXES[kind] + body + codes.check_characters(codes.PREFIXES[kind] + body),
    kinds,
    bodies,
)
result_codes = st.binary(min_size=32, max_size=32).map(codes.result_code_from)

# The check is linear, so an error is missed or found whatever the code: one code per prefix is every code.
BODIES = ("3K9F2C", "000000", "XXXXXX", "T7J90V", "990199", "CFGHJK", "M1R3P8", "0X0X0X", "7PT4K1")
# Fixed, so that every test process collects the same tests.
SAMPLES = [
    prefix + body + codes.check_characters(prefix + body)
    for prefix, body in zip(codes.PREFIXES.values(), BODIES, strict=True)
]


def is_sound(text):
    try:
        return codes.parse(text).text == text
    except InvalidInput:
        return False


def refusal(text, **more):
    with pytest.raises(InvalidInput) as caught:
        codes.parse(text, **more)
    return caught.value


@pytest.mark.parametrize("kind", codes.PREFIXES)
def test_a_minted_code_is_read_back_with_its_kind(kind):
    code = codes.mint(kind)
    assert codes.parse(code) == (kind, code)
    assert len(code) == 9
    assert code[0] == codes.PREFIXES[kind]


def test_a_lot_holds_as_many_different_codes_as_were_asked_for():
    lot = codes.mint_many("tube", 20_000)
    assert len(set(lot)) == len(lot) == 20_000
    assert all(codes.parse(code).kind == "tube" for code in lot)


def test_a_small_space_is_drawn_without_repeating(monkeypatch):
    draws = iter([5, 5, 5, 6])
    monkeypatch.setattr(codes.secrets, "randbelow", lambda limit: next(draws))
    assert len(set(codes.mint_many("tube", 2))) == 2


def test_neighbours_on_a_roll_are_not_neighbours_in_value():
    lot = codes.mint_many("tube", 1_000)
    assert lot != sorted(lot)
    assert len({code[1:4] for code in lot}) > 900


def test_only_kinds_that_exist_are_minted():
    with pytest.raises(ValueError, match="sample"):
        codes.mint("sample")
    with pytest.raises(ValueError, match="-1"):
        codes.mint_many("tube", -1)


def test_no_code_begins_with_99_which_python_barcode_would_corrupt():
    assert all(letter.isalpha() for letter in codes.PREFIXES.values())
    assert len(set(codes.PREFIXES.values())) == len(codes.PREFIXES)
    assert set(codes.PREFIXES.values()) <= set(codes.ALPHABET)


def test_no_vietnamese_input_method_can_turn_a_scan_into_letters_with_marks():
    # Telex makes marks from doubled A E O D, from W, and from a tone letter after a vowel; VNI from a digit
    # after a vowel or D. Without a vowel, D and W nothing is left to put a mark on.
    assert not set(codes.ALPHABET) & set("AEIOUYDW")


def test_what_is_typed_for_a_look_alike_is_what_was_printed():
    assert not set(codes.ALPHABET) & set("OQDILZSB")
    assert codes.normalise("oqd il z s b") == "00011258"
    assert codes.normalise(" t3k-9f2\tc7h\r\n") == "T3K9F2C7H"


@given(sound_codes)
def test_a_code_is_read_in_any_grouping_and_case(code):
    assert codes.parse(codes.grouped(code).lower()).text == code
    assert codes.parse("-".join(code) + "\r\n").text == code


@given(st.text())
def test_normalising_twice_changes_nothing_more(text):
    assert codes.normalise(codes.normalise(text)) == codes.normalise(text)


@given(st.text(max_size=60))
def test_no_text_at_all_is_more_than_refused(text):
    try:
        assert is_sound(codes.parse(text).text)
    except InvalidInput as refused:
        assert str(refused)
        assert codes.suggest(text) is None or is_sound(codes.suggest(text))


@pytest.mark.parametrize("code", SAMPLES)
def test_every_single_wrong_character_is_found_and_the_right_code_offered(code):
    for place, character in itertools.product(range(codes.LENGTH), codes.ALPHABET):
        wrong = code[:place] + character + code[place + 1 :]
        if wrong != code:
            assert not is_sound(wrong), wrong
            assert codes.suggest(wrong) == code, wrong


@pytest.mark.parametrize("code", SAMPLES)
def test_every_two_wrong_characters_are_found(code):
    missed = [
        wrong
        for first, second in itertools.combinations(range(codes.LENGTH), 2)
        for one, other in itertools.product(codes.ALPHABET, repeat=2)
        if one != code[first] and other != code[second]
        for wrong in [code[:first] + one + code[first + 1 : second] + other + code[second + 1 :]]
        if codes.check_characters(wrong[:-2]) == wrong[-2:]
    ]
    assert missed == []


@given(sound_codes)
def test_every_swap_of_two_characters_is_found(code):
    for first, second in itertools.combinations(range(codes.LENGTH), 2):
        swapped = list(code)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        assert code[first] == code[second] or not is_sound("".join(swapped))


@given(sound_codes, st.integers(0, codes.LENGTH - 1), st.sampled_from("AEUWY*?"))
def test_a_character_that_no_code_has_is_mended_too(code, place, foreign):
    assert codes.suggest(code[:place] + foreign + code[place + 1 :]) == code


def test_a_correction_is_offered_and_never_taken():
    code = codes.mint("tube")
    wrong = code[:-1] + codes.ALPHABET[codes.ALPHABET.index(code[-1]) - 1]
    refused = refusal(wrong, field="tube")
    assert refused.parameters["suggestion"] == codes.grouped(code)
    assert codes.grouped(code) in str(refused)
    assert refused.field == "tube"


def test_a_sound_code_needs_no_suggestion():
    assert all(codes.suggest(code) is None for code in SAMPLES)


def test_a_code_of_another_kind_is_named_and_what_to_scan_is_told():
    box = codes.mint("box")
    refused = refusal(box, expect="tube")
    assert str(refused) == f"{codes.grouped(box)} is the code of a box. Scan a code that begins with T."
    assert codes.parse(box, expect=("tube", "box")).kind == "box"
    assert "T / P" in str(refusal(box, expect=("tube", "pool")))


@pytest.mark.parametrize("typed", ["TƯK9F2C7H", "tấk9f2c7h", "TĐK", "ＴＫ", "ı", "ſſſſſſſſſ"])
def test_letters_with_marks_ask_to_switch_off_the_input_method(typed):
    assert refusal(typed).message.startswith("Switch off the Vietnamese input method")


@pytest.mark.parametrize("typed", ["", "  ", "\r\n", "--"])
def test_an_empty_scan_asks_for_one(typed):
    assert str(refusal(typed)) == "Scan or type a code."


@pytest.mark.parametrize(
    "typed",
    [
        "8934563138164",
        "CMD-UNDO",
        "' OR 1=1 --",
        "<script>alert(1)</script>",
        "001099012345|…|14/02/1999",
        "\x00\x00",
        "T",
        "9" * 10_000,
        "12345678901234",
        "M" + "000000" + codes.check_characters("M000000"),
    ],
)
def test_a_foreign_code_is_refused_and_shown_short(typed):
    refused = refusal(typed)
    assert "is not a code of this system" in refused.message
    assert len(refused.parameters["code"]) <= 41
    assert refused.parameters["code"].isprintable()


@given(result_codes)
def test_a_secret_result_code_scanned_at_work_is_never_repeated(secret):
    for scanned in (secret, codes.grouped(secret), f"https://example.org/results#{secret}"):
        if not secret.isdigit():
            refused = refusal(scanned)
            assert "secret result code" in str(refused)
            assert refused.parameters == {}


@given(result_codes)
def test_a_result_code_is_read_as_it_is_printed(secret):
    assert [len(group) for group in codes.grouped(secret).split()] == [5, 5, 4]
    assert codes.check_result_code(codes.grouped(secret).lower()) == secret


@given(result_codes)
def test_a_mistyped_result_code_is_found_and_not_repeated(secret):
    for place, character in itertools.product(range(codes.RESULT_LENGTH), codes.ALPHABET):
        if character == secret[place]:
            continue
        with pytest.raises(InvalidInput) as caught:
            codes.check_result_code(secret[:place] + character + secret[place + 1 :])
        assert caught.value.parameters == {}
        assert caught.value.field == "result_code"


@given(result_codes)
def test_swapped_characters_of_a_result_code_are_found(secret):
    for first, second in itertools.combinations(range(codes.RESULT_LENGTH), 2):
        swapped = list(secret)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        if secret[first] != secret[second]:
            with pytest.raises(InvalidInput):
                codes.check_result_code("".join(swapped))


@pytest.mark.parametrize("typed", ["", "X427P", "X427PMKM45F4MRX", "ă" * 14])
def test_a_result_code_of_another_length_is_refused(typed):
    with pytest.raises(InvalidInput):
        codes.check_result_code(typed)


def test_the_same_digest_always_gives_the_same_result_code():
    digest = hashlib.sha256(b"declaration 1").digest()
    assert codes.result_code_from(digest) == codes.result_code_from(digest)
    assert codes.result_code_from(digest) != codes.result_code_from(hashlib.sha256(b"2").digest())
    with pytest.raises(ValueError, match="16 bytes"):
        codes.result_code_from(b"short")


def test_every_character_of_a_result_code_is_equally_likely():
    made = [codes.result_code_from(secrets.token_bytes(32)) for _ in range(4_600)]
    made += [codes.mint_result_code() for _ in range(4_600)]
    for place in range(codes.RESULT_LENGTH):
        counts = [sum(code[place] == character for code in made) for character in codes.ALPHABET]
        # 400 expected, standard deviation 19.6: seven of them either way.
        assert min(counts) > 260
        assert max(counts) < 540


def test_every_message_of_a_code_is_a_whole_sentence():
    refused = [refusal(code, expect=()) for code in SAMPLES]
    assert all(re.fullmatch(r".*\.", message.message) for message in refused)
    assert len({message.message for message in refused}) == len(codes.PREFIXES)
