"""Every sentence of the product is there in Vietnamese, with the same parameters, and compiled."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARAMETER = re.compile(r"%\((\w+)\)[sd]")


@pytest.fixture(scope="module")
def translations():
    spec = importlib.util.spec_from_file_location("translations", ROOT / "scripts/translations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_translation_is_missing(translations):
    assert translations.missing(translations.extract(), translations.read()) == []


def test_a_missing_translation_would_be_found(translations):
    catalogue = translations.read()
    first = next(message for message in translations.extract() if message.id)
    catalogue.delete(first.id)
    name = first.id if isinstance(first.id, str) else first.id[0]
    assert translations.missing(translations.extract(), catalogue) == [name]


def test_a_translation_has_the_parameters_of_its_sentence(translations):
    for message in translations.read():
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        wanted = {name for text in ids for name in PARAMETER.findall(text)}
        for text in texts:
            assert set(PARAMETER.findall(text)) == wanted, ids


def test_the_compiled_catalogue_is_that_of_the_text(translations):
    assert translations.MO.read_bytes() == translations.compiled(translations.read()), (
        "run python scripts/translations.py"
    )
