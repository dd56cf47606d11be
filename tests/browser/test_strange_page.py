"""A page of another site tries what it can with the learner's embedded AWS, in a real browser."""

import pytest

from lab_lib.aws import tables
from lab_lib.lab import open_lab
from tests.web_server import serving

pytestmark = pytest.mark.slow

# A page gets "opaque" where the browser sends its request but does not let it read the answer.
TRIES = """async endpoint => {
    const got = [];
    const tried = async call => {
        try { got.push(`${(await call()).type}`); } catch (error) { got.push(error.name); }
    };
    const send = (path, options) => fetch(endpoint + path, {method: 'POST', ...options});
    const code = JSON.stringify({FunctionName: 'Stolen', Role: 'arn:aws:iam::000000000000:role/TotalNotifierRole',
        Runtime: 'python3.13', Handler: 'a.b', Code: {ZipFile: ''}});
    await tried(() => send('/_ministack/reset', {}));
    await tried(() => send('/_ministack/reset', {mode: 'no-cors'}));
    await tried(() => send('/2015-03-31/functions', {mode: 'no-cors', body: code}));
    await tried(() => send('/', {headers: {'X-Amz-Target': 'DynamoDB_20120810.ListTables'}}));
    await tried(() => new Promise(done => {
        const frame = document.createElement('iframe'), form = document.createElement('form');
        frame.name = 'frame';
        document.body.append(frame, form);
        frame.onload = done;
        Object.assign(form, {method: 'POST', action: endpoint + '/_ministack/reset', target: 'frame'}).submit();
    }));
    return got;
}"""


def test_a_page_of_another_site_changes_nothing_reads_nothing_and_gets_in_by_no_other_name(browser):
    lab, answers = open_lab(account="300000000041"), []
    tables.ensure_table(lab, "Customer")
    with serving(b"<title>A page of somebody else</title><body>") as site, browser.new_page() as page:
        page.goto(f"http://page.example:{site.server_port}/")
        page.on("response", lambda answer: answers.append(answer.status) if lab.endpoint in answer.url else None)

        got = page.evaluate(TRIES, lab.endpoint)

        # As in DNS rebinding: for the browser, page and embedded AWS are then one site.
        rebound = page.goto(f"http://page.example:{lab.endpoint.split(':')[-1]}/_ministack/health").status
    assert (got, rebound) == (["TypeError", "opaque", "opaque", "TypeError", "load"], 403)
    assert set(answers) == {403}
    assert lab.client("dynamodb").list_tables()["TableNames"] == ["Customer"]
    assert lab.client("lambda").list_functions()["Functions"] == []
