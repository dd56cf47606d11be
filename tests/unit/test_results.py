"""The results of a trial, as the terminal, the notebook and the page of feedback tell them."""

from lab_lib.exercises.results import Result, Results


def test_cases_with_one_cause_share_a_row_and_the_first_row_tells_how_a_case_went():
    tried = [
        Result("a", "One passes.", "passed", sent="start 1: A 1"),
        Result("b", "Two fails.", "not yet", "again <", "start 1: A 1\nstart 2: A 1", "A 2 instead of 1"),
        Result("c", "Three fails.", "not yet", "alerts", "start 1: A 3", "0 alerts"),
        Result("d", "Four fails.", "not yet", "again <", "start 1: A 4", "A 8 instead of 4"),
    ]
    results = Results(tried, "5")

    assert results.rows == [
        ("not yet", "again <", "b, d\nb: Two fails.\nstart 1: A 1\nstart 2: A 1\nfound: A 2 instead of 1"),
        ("not yet", "alerts", "c"),
        ("passed", "a", "One passes."),
    ]
    told = "<b>again &lt;</b> b, d<br>b: Two fails.<br>start 1: A 1<br>start 2: A 1<br>found: A 2 instead of 1</td>"
    assert told in results._repr_html_()
    assert "<p>Passed: 1 of 4. The same transactions again: seed 5.</p>" in results._repr_html_()
