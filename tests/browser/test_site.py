"""The site for those who only read: it tells no answer, and everybody can read it, tried in Chromium."""

import ast
import base64
import json
import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from bs4 import BeautifulSoup

from lab_lib.exercises import copies, questions
from lab_lib.run.headless import notebooks

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOLVED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in notebooks()}
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
SHORT = 25  # characters of a line of code that may stand anywhere
# Of each kind of page one: all have the same style sheets, and a look at their colours takes long. All pages are seen
# on a telephone, where they are widest.
KINDS = [f"{name}.html" for name in ("index", "search", "trace", "docs/aws", "notebooks/05-upload-and-verify")]
OTHER = "zh_CN/"  # begins the pages of another language
CHINESE = re.compile("[\u4e00-\u9fff]")
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of a site that was built as `make site` does it."""
    folder = tmp_path_factory.mktemp("of-site") / "site"
    subprocess.run([sys.executable, "-m", "docs.site.build", folder], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """Return the pages by their path, as what can be read in them."""
    return {
        path.relative_to(site).as_posix(): read(path) for path in site.rglob("*.html") if "_static" not in path.parts
    }


@pytest.fixture(scope="module")
def address(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def read(path):
    """Return the page, with its images as their words in the place of the data that draws them."""
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    for image in page.find_all("img", src=re.compile("^data:")):
        drawn = re.sub(
            "<style.*?</style>", "", base64.b64decode(image["src"].partition(",")[2]).decode(), flags=re.DOTALL
        )
        image.replace_with(f" {image['alt']} {re.sub('<[^>]*>', ' ', drawn)} ")
    return page


def code(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def solutions(notebook):
    return [found for text in code(notebook) for found in SOLUTION.findall(text)]


def results(notebook):
    """Return the right answers: those in the solutions, and those that `notebook.compare` told."""
    literals = [re.sub(r"^my_\w+ = ", "", solution).strip() for solution in solutions(notebook)]
    for literal in literals:
        try:
            value = ast.literal_eval(literal)
        except (ValueError, SyntaxError):  # an expression, a statement
            continue
        yield {str(part) for part in (value if isinstance(value, list | set) else [value])}
    told = re.findall(r"You predicted right: it is (.+)\.\\n", json.dumps(notebook["cells"]))
    yield from ({outcome} for outcome in told)


def outputs(page):
    return " ".join(cell.get_text(" ") for cell in page.select(".cell_output"))


def test_no_solution_stands_on_the_site(site, pages):
    given = "".join(text for path in notebooks() for text in code(copies.learners_edition(path, "en")))
    given += "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lab_lib").rglob("*.py"))
    lines = {line.strip() for solved in SOLVED.values() for text in solutions(solved) for line in text.splitlines()}
    secret = {line for line in lines if len(line) >= SHORT and line not in given}
    told = {
        path.name: path.read_text(encoding="utf-8") for path in site.rglob("*") if path.suffix in (".js", ".py", ".yml")
    }
    told |= {name: page.get_text() for name, page in pages.items()}

    assert len(secret) > 40
    assert {(name, line) for name, text in told.items() for line in secret if line in text} == set()
    assert not [path for path in site.rglob("*") if path.suffix in (".ipynb", ".md")]


def test_no_output_answers_a_question_of_its_notebook_and_each_shows_the_lab(pages):
    for name, solved in SOLVED.items():
        shown = outputs(pages[f"notebooks/{name}.html"])
        right = {word for result in results(solved) for word in result if len(word) > 1}
        assert {word for word in right if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", shown)} == set(), name
        assert "on the embedded AWS" in shown


def test_no_page_says_why_an_answer_is_right(pages):
    reasons = [question.why for question in questions.QUESTIONS.values()]

    for name, page in pages.items():
        text = page.get_text()
        assert [reason for reason in reasons if reason in text] == [], name


@pytest.mark.parametrize(("colours", "width"), [("light", 1280), ("dark", 390)])
def test_everybody_can_read_every_page_and_nothing_is_fetched_from_elsewhere(browser, address, pages, colours, width):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=colours)
    page, asked, said, wrong = context.new_page(), [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for name in [*KINDS, *(f"{OTHER}{kind}" for kind in KINDS)] if width > 1000 else pages:
        page.goto(address + name)
        wrong += [(name, "too wide")] * page.evaluate(TOO_WIDE)
        if name in KINDS:
            found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
            wrong += [(name, rule["id"], node["html"]) for rule in found for node in rule["nodes"]]
    context.close()

    elsewhere = [url for url in asked if not url.startswith((address, "data:"))]
    assert (wrong, said, elsewhere) == ([], [], [])


@pytest.mark.parametrize(("name", "title"), [("notebooks/03-create-topic", "03 · 创建主题"), ("docs/faults", "Faults")])
def test_each_page_leads_to_the_same_page_in_the_other_language_and_back(browser, address, name, title):
    page = browser.new_page()
    page.goto(f"{address}{name}.html")

    page.get_by_role("link", name="中文").click()
    assert page.url == f"{address}{OTHER}{name}.html"
    assert page.get_by_role("heading", level=1).inner_text().startswith(title)
    page.get_by_role("link", name="English", exact=True).click()

    assert page.url == f"{address}{name}.html"
    page.close()


def test_a_page_in_another_language_is_in_it_or_says_that_it_is_in_english(pages):
    others = {name.removeprefix(OTHER): page for name, page in pages.items() if name.startswith(OTHER)}
    del others["trace.html"]

    assert others.keys() == {name for name in pages if not name.startswith(OTHER)} - {"trace.html"}
    search = others["search.html"]
    listed = {link["href"]: link.get_text().strip() for link in search.select("nav.bd-links a")}
    for name, page in others.items():
        is_chinese = bool(CHINESE.search(page.h1.get_text()))
        assert page.html["lang"] == ("zh-CN" if is_chinese else "en"), name
        assert ("本页只有英文版。" in page.get_text()) != is_chinese, name
        assert is_chinese or listed[name] == f"{page.h1.find(string=True)}（英文）"
    labels = {*search.body.stripped_strings}
    for attribute in ("title", "aria-label", "placeholder"):
        labels |= {tag[attribute] for tag in search.find_all(attrs={attribute: True})}
    assert {label for label in labels if not CHINESE.search(label)} <= {"", "English", "Ctrl", "+", "K"}


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_front_page_leads_to_the_trace_which_plays_unless_one_wants_less_motion(browser, address, motion):
    page = browser.new_page(reduced_motion=motion)
    page.goto(address)

    page.get_by_role("link", name="one transaction").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Ana A2"
    again = page.get_by_role("button", name="Play it again")
    if motion == "reduce":
        assert again.count() == 0
    else:
        again.click()
        page.locator(".lab-chain [data-wait]").first.wait_for(state="attached")
    page.wait_for_function("() => !document.querySelector('.lab-chain [data-wait]')")
    assert page.locator('.lab-wide [data-part="CreditCollection"][data-state="right"]').is_visible()
    page.close()
