"""A page of another site tries what it can with the learner's embedded AWS, in a real browser."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lab_lib.aws import tables
from lab_lib.embedded import server
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

# A page gets "opaque" where the browser sends its request but does not let it read the answer.
TRIES = """async endpoint => {
    const got = {};
    const tried = async (what, call) => {
        try { const answer = await call(); got[what] = `${answer.type ?? answer}`; }
        catch (error) { got[what] = error.name; }
    };
    const send = (path, options) => fetch(endpoint + path, {method: 'POST', ...options});
    const code = JSON.stringify({FunctionName: 'Stolen', Role: 'arn:aws:iam::000000000000:role/TotalNotifierRole',
        Runtime: 'python3.13', Handler: 'a.b', Code: {ZipFile: ''}});
    await tried('fetch reset', () => send('/_ministack/reset', {}));
    await tried('fetch reset, no-cors', () => send('/_ministack/reset', {mode: 'no-cors'}));
    await tried('fetch CreateFunction, no-cors', () => send('/2015-03-31/functions', {mode: 'no-cors', body: code}));
    await tried('fetch ListTables', () => send('/', {headers: {'X-Amz-Target': 'DynamoDB_20120810.ListTables'}}));
    await tried('image', () => new Promise(done => {
        const image = new Image();
        image.onload = () => done('loaded');
        image.onerror = () => done('error');
        image.src = endpoint + '/_ministack/health';
    }));
    await tried('form reset', () => new Promise(done => {
        const frame = document.createElement('iframe'), form = document.createElement('form');
        frame.name = 'frame';
        document.body.append(frame, form);
        frame.onload = () => done('loaded');
        Object.assign(form, {method: 'POST', action: endpoint + '/_ministack/reset', target: 'frame'}).submit();
    }));
    await tried('websocket', () => new Promise(done => {
        const socket = new WebSocket(endpoint.replace('http', 'ws') + '/');
        socket.onopen = () => done('open');
        socket.onerror = () => done('error');
    }));
    return got;
}"""


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>A page of somebody else</title><body>")

    def log_message(self, *about):
        """Print nothing."""


@pytest.fixture
def strange(browser):
    """A page in the browser, of another site than the embedded AWS."""
    with HTTPServer(("127.0.0.1", 0), Page) as site, browser.new_page() as page:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        page.goto(f"http://page.example:{site.server_port}/")
        yield page
        site.shutdown()


@pytest.fixture
def lab():
    lab = open_lab()
    tables.ensure_table(lab, "Customer")
    return lab


def test_a_page_of_another_site_changes_nothing_and_reads_nothing(lab, strange):
    answers = []
    strange.on("response", lambda answer: answers.append(answer) if answer.url.startswith(lab.endpoint) else None)

    got = strange.evaluate(TRIES, lab.endpoint)

    assert got == {
        "fetch reset": "TypeError",
        "fetch reset, no-cors": "opaque",
        "fetch CreateFunction, no-cors": "opaque",
        "fetch ListTables": "TypeError",
        "image": "error",
        "form reset": "loaded",  # the refusal, in a frame that the page cannot read
        "websocket": "error",
    }
    assert {answer.status for answer in answers} == {403}
    assert lab.client("dynamodb").list_tables()["TableNames"] == ["Customer"]
    assert lab.client("lambda").list_functions()["Functions"] == []


def test_a_name_that_leads_to_this_machine_does_not_lead_in(lab, strange):
    """As in DNS rebinding: to the browser, page and embedded AWS are then one site."""
    answer = strange.goto(f"http://page.example:{server.running().port}/_ministack/health")

    assert answer.status == 403
    assert f"at {lab.endpoint} only" in strange.content()


def test_the_address_itself_shows_the_owner_what_to_do(lab, strange):
    answer = strange.goto(lab.endpoint)

    assert answer.status == 403
    assert "run the cell with open_lab again" in strange.content()
