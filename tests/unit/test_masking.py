from dataclasses import replace
from unittest.mock import Mock

import pytest
from botocore.credentials import Credentials

from lab_lib.settings import DEFAULT_ACCOUNT
from lab_lib.workspace.masking import masked, without_accounts

KEY, SECRET, TOKEN = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "IQoJb3JpZ2luX2VjEXAMPLETOKEN==",
)


@pytest.fixture
def anas(moto_lab):
    return with_credentials(
        replace(moto_lab, account="111122223333", email="ana&bo@example.com", phone="+15555550100"), KEY, SECRET, TOKEN
    )


def with_credentials(lab, *values):
    return replace(lab, session=Mock(profile_name="class", get_credentials=lambda: Credentials(*values)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"account": "111122223333", "n": 1}', '{"account": "********3333", "n": 1}'),
        ('email = "ana&bo@example.com"', 'email = "a***@example.com"'),
        ("<td>ana&amp;bo@example.com</td>", "<td>a***@example.com</td>"),
        ("?to=ana%26bo%40example.com", "?to=a***@example.com"),
        ("+15555550100 tel:15555550100", "+*********00 tel:*********00"),
        (f"{KEY} {SECRET} {TOKEN}", "******** ******** ********"),
        ("?secret=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY", "?secret=********"),
        ('"/home/ana" /home/ana/lab /home/ana-2/lab /Users/bo/lab', '"~" ~/lab /home/***/lab /Users/***/lab'),
        (
            "iam::1:user/team/ana is sts::1:assumed-role/Admin/ana@b.com, or",
            "iam::1:user/team/*** is sts::1:assumed-role/Admin/***, or",
        ),
        (r"\"profile\": \"class\", Profile class --profile class", r"\"profile\": \"***\", Profile *** --profile ***"),
        *(
            (text, text)
            for text in [
                *("444455556666", "bob@example.com", "+15555550199", "C2 1750", "AKIAIOSFODNN7OTHERS"),
                *("a class, --profile class-2", "role/Admin/ana", "/home"),
            ]
        ),
    ],
)
def test_account_addresses_credentials_and_names_are_masked_and_nothing_else(anas, monkeypatch, text, shown):
    monkeypatch.setenv("HOME", "/home/ana")

    assert masked(text, anas) == shown


def test_a_longer_value_is_masked_before_one_that_it_contains(anas):
    assert masked("111122223333@example.com", replace(anas, email="111122223333@example.com")) == "1***@example.com"


def test_the_keys_and_the_default_account_of_an_emulator_are_not_private(anas):
    lab = with_credentials(replace(anas, account=DEFAULT_ACCOUNT, email="", phone=""), "test", "test")

    assert masked(f"the test of {DEFAULT_ACCOUNT} +1", lab) == f"the test of {DEFAULT_ACCOUNT} +1"


def test_credentials_are_read_once_because_they_expire(anas, monkeypatch):
    masked("", anas)
    monkeypatch.setattr(anas.session, "get_credentials", lambda: pytest.fail("read again"))

    assert masked(SECRET, anas) == "********"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("arn:aws:iam::111122223333:role/Grader, line 4", "arn:aws:iam::********3333:role/Grader, line 4"),
        ("1111222233334444 is no account", "1111222233334444 is no account"),
        ("111122223333٤ and ١١١١٢٢٢٢٣٣٣٣", "********3333٤ and ١١١١٢٢٢٢٣٣٣٣"),
    ],
)
def test_without_a_lab_everything_that_looks_like_an_account_is_masked(text, shown):
    assert without_accounts(text) == shown
