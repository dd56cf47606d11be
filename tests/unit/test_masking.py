import json
from dataclasses import replace

import boto3
import pytest

from lab_lib.embedded import server
from lab_lib.masking import masked, without_accounts

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLETOKEN=="


@pytest.fixture
def anas(moto_lab):
    return replace(moto_lab, account="111122223333", email="ana@example.com", phone="+15555550100")


def with_credentials(lab, *values):
    return replace(lab, session=boto3.Session(*values, region_name="us-east-1"))


def test_of_the_account_the_last_four_digits_stay(anas):
    text = "arn:aws:sns:us-east-1:111122223333:HighBalanceAlert"

    assert masked(text, anas) == "arn:aws:sns:us-east-1:********3333:HighBalanceAlert"


def test_the_account_that_the_embedded_aws_has_ready_is_nobodys(anas):
    assert masked(server.ACCOUNT, replace(anas, account=server.ACCOUNT)) == server.ACCOUNT


def test_of_the_address_the_first_letter_and_the_domain_stay(anas):
    assert masked('email = "ana@example.com"', anas) == 'email = "a***@example.com"'


def test_of_the_phone_number_the_last_two_digits_stay(anas):
    assert masked("+15555550100", anas) == "+*********00"
    assert masked("tel:15555550100", anas) == "tel:*********00"


def test_key_secret_and_token_of_the_session_are_masked(anas):
    lab = with_credentials(anas, KEY, SECRET, TOKEN)

    assert masked(f"{KEY} {SECRET} {TOKEN}", lab) == "******** ******** ********"


@pytest.mark.parametrize("values", [("test", "test"), ("111122223333", "test")], ids=["any word", "the account"])
def test_a_word_that_an_emulator_takes_for_a_key_is_no_secret(anas, values):
    text = "the test of 111122223333"

    assert masked(text, with_credentials(anas, *values)) == "the test of ********3333"


@pytest.mark.parametrize(
    "text",
    ["444455556666", "the amount 111122220000", "bob@example.com", "+15555550199", "C2 1750", "AKIAIOSFODNN7OTHERS00"],
)
def test_what_only_looks_like_it_stays(anas, text):
    assert masked(text, with_credentials(anas, KEY, SECRET)) == text


def test_no_setting_masks_nothing(moto_lab):
    assert masked("", moto_lab) == ""
    assert masked("nobody@example.com +1", moto_lab) == "nobody@example.com +1"


def test_what_holds_another_private_value_is_masked_whole(anas):
    lab = replace(anas, email="111122223333@example.com")

    assert masked("111122223333@example.com", lab) == "1***@example.com"


def test_it_is_masked_as_html_and_as_a_part_of_an_address_too(anas):
    lab = with_credentials(replace(anas, email="ana&bo@example.com"), KEY, SECRET)

    assert masked("<td>ana&amp;bo@example.com</td>", lab) == "<td>a***@example.com</td>"
    assert masked("?to=ana%26bo%40example.com", lab) == "?to=a***@example.com"
    assert masked("?secret=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYEXAMPLEKEY", lab) == "?secret=********"


def test_json_stays_json(anas):
    lab = with_credentials(replace(anas, email="o'hara{1}@example.com"), KEY, SECRET, TOKEN)
    told = {"account": lab.account, "email": lab.email, "phone": lab.phone, "key": [KEY, SECRET, TOKEN]}

    assert json.loads(masked(json.dumps(told), lab)) == {
        "account": "********3333",
        "email": "o***@example.com",
        "phone": "+*********00",
        "key": ["********"] * 3,
    }


def test_credentials_are_read_once_since_they_may_have_expired_by_the_next_time(anas, monkeypatch):
    lab = with_credentials(anas, KEY, SECRET)
    masked("", lab)
    monkeypatch.setattr(lab.session, "get_credentials", lambda: pytest.fail("asked again"))

    assert masked(SECRET, lab) == "********"


def test_a_lab_without_credentials_is_masked_all_the_same(anas, monkeypatch):
    session = boto3.Session(region_name="us-east-1")
    monkeypatch.setattr(session, "get_credentials", lambda: None)

    assert masked(anas.account, replace(anas, session=session)) == "********3333"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("account 111122223333, line 4", "account ********3333, line 4"),
        ("arn:aws:iam::111122223333:role/Grader", "arn:aws:iam::********3333:role/Grader"),
        ("1111222233334444 is no account", "1111222233334444 is no account"),
    ],
)
def test_without_a_lab_all_that_looks_like_an_account_is_masked(text, shown):
    assert without_accounts(text) == shown
