"""The house rules, read from the source."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "lab_lib"
HANDLERS = sorted(path for path in (HOUSE / "handlers").glob("*.py") if path.stem != "__init__")
PACKAGES = {path.parent for path in HOUSE.glob("*/__init__.py")} - {HOUSE / "handlers"}
ROOMS = {path.stem: [path] for path in sorted(HOUSE.glob("*.py")) if path.stem != "__init__"}
ROOMS |= {path.name: sorted(path.rglob("*.py")) for path in sorted(PACKAGES)}  # all its files are the one room
FILES = [path for room in ROOMS.values() for path in room]
ALL = [*FILES, *HANDLERS]

# A room imports from its own storey or from one above it in this list, never from one below.
STOREYS = [
    {"errors"},
    {"waiting"},
    {"embedded"},
    {"lab"},
    {"policies", "masking"},
    {"grants"},
    {"roles", "buckets", "tables", "functions", "cloudwatch", "topics", "queues"},
    {"triggers", "transactions", "people", "streams", "classic"},
    {"frames", "plots", "checks", "cleanup", "experiments"},
    {"workers", "cleaning"},
    {"kernels"},
    {"headless"},
    {"roster", "report"},
    {"gradebook"},
    {"work"},
    {"classroom"},
    {"terminal"},
    {"class_table"},
    {"cli_class"},
    {"cli"},
    {"__main__"},
]


def named(path):
    """The file in a test's id: a package's have the package before it."""
    return path.relative_to(HOUSE).with_suffix("").as_posix()


@pytest.fixture(scope="module")
def trees():
    return {path: ast.parse(path.read_text(), path.name) for path in ALL}


@pytest.fixture
def nodes(trees):
    """All nodes of a file of one of these kinds."""
    return lambda path, *kinds: [node for node in ast.walk(trees[path]) if isinstance(node, kinds)]


@pytest.fixture
def imported(nodes):
    """The names of all modules that a file imports, wherever in it; `from lab_lib import x` is lab_lib.x."""

    def imported(path):
        names = []
        for node in nodes(path, ast.Import, ast.ImportFrom):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif node.module == "lab_lib":
                names += [f"lab_lib.{alias.name}" for alias in node.names]
            else:
                names.append(node.module or "." * node.level)
        return names

    return imported


@pytest.fixture
def rooms_of(imported):
    """The other rooms that a room imports."""

    def rooms_of(room):
        names = [name.split(".") for path in ROOMS[room] for name in imported(path)]
        return {parts[1] for parts in names if parts[0] == "lab_lib"} - {"handlers", room}

    return rooms_of


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room, rooms_of):
    storey = {name: number for number, names in enumerate(STOREYS) for name in names}
    assert room in storey, f"lab_lib/{room} has no place in the order of the rooms; give it one in STOREYS"

    below = {other for other in rooms_of(room) if storey[other] > storey[room]}

    assert not below, f"{room} imports {below}, which stand below it"


def test_no_room_imports_itself_by_way_of_others(rooms_of):
    order = list(graphlib.TopologicalSorter({room: rooms_of(room) for room in ROOMS}).static_order())

    assert set(order) == set(ROOMS)


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.stem)
def test_a_handler_imports_only_what_lambda_has(path, imported):
    outside = {name.split(".")[0] for name in imported(path)} - sys.stdlib_module_names

    assert outside <= {"boto3", "botocore"}


def test_every_file_of_the_checks_is_of_their_room():
    assert {path.name for path in ROOMS["checks"]} >= {"__init__.py", "rules.py", "step_00.py", "further.py"}


def test_there_are_the_two_handlers():
    assert [path.stem for path in HANDLERS] == ["total_notifier", "transaction_processor"]


@pytest.mark.parametrize("path", ALL, ids=named)
def test_only_waiting_sleeps(path, nodes):
    names = [node.attr for node in nodes(path, ast.Attribute)]
    names += [alias.name for node in nodes(path, ast.ImportFrom) for alias in node.names]

    assert ("sleep" in names) == (path == HOUSE / "waiting.py")


@pytest.mark.parametrize("path", FILES, ids=named)
def test_only_lab_makes_a_session(path, nodes, imported):
    from_boto3 = {
        node.attr
        for node in nodes(path, ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id in ("boto3", "botocore")
    }
    makers = from_boto3 & {"Session", "session", "client", "resource", "setup_default_session", "DEFAULT_SESSION"}

    assert bool(makers) == (path == HOUSE / "lab.py")
    assert not {"boto3.session"} & set(imported(path))


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_arn_is_spelled_out(path):
    assert "arn:aws" not in path.read_text()


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_import_takes_everything(path, nodes):
    taken = [alias.name for node in nodes(path, ast.ImportFrom) for alias in node.names]

    assert "*" not in taken


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_error_is_caught_whatever_it_is(path, nodes):
    caught = [ast.unparse(node.type) if node.type else "" for node in nodes(path, ast.ExceptHandler)]

    assert not {"", "Exception", "BaseException"} & set(caught)


def test_plots_never_call_aws(imported, rooms_of):
    assert rooms_of("plots") == set()
    assert not {"boto3", "botocore"} & {name.split(".")[0] for name in imported(HOUSE / "plots.py")}


@pytest.mark.parametrize("room", ["policies", "grants", "people", "classic"])
def test_what_is_pure_never_calls_aws(room, nodes):
    called = [node.func.attr for node in nodes(HOUSE / f"{room}.py", ast.Call) if isinstance(node.func, ast.Attribute)]

    assert "client" not in called


@pytest.mark.parametrize(
    ("room", "kind"),
    [
        ("roles", "role"),
        ("buckets", "bucket"),
        ("tables", "table"),
        ("functions", "function"),
        ("cloudwatch", "log_group"),
        ("topics", "topic"),
        ("queues", "queue"),
    ],
)
def test_every_kind_of_resource_can_be_ensured_found_and_deleted(room, kind, nodes):
    made = {node.name for node in nodes(HOUSE / f"{room}.py", ast.FunctionDef)}

    assert {f"ensure_{kind}", f"find_{kind}", f"delete_{kind}"} <= made


@pytest.mark.parametrize(
    "room",
    [
        "roles",
        "buckets",
        "tables",
        "functions",
        "cloudwatch",
        "topics",
        "queues",
        "triggers",
        "streams",
        "frames",
        "cleanup",
        "experiments",
    ],
)
def test_the_lab_comes_first(room, nodes):
    public = [node for node in nodes(HOUSE / f"{room}.py", ast.FunctionDef) if not node.name.startswith("_")]
    with_lab = [node for node in public if any(each.arg == "lab" for each in node.args.args)]

    assert with_lab
    assert all(node.args.args[0].arg == "lab" for node in with_lab)


@pytest.mark.parametrize("path", ALL, ids=named)
def test_nothing_is_asked_of_aws_at_import(path, trees):
    calls = [
        ast.unparse(call.func)
        for statement in trees[path].body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
        for call in ast.walk(statement)
        if isinstance(call, ast.Call)
    ]

    assert not [call for call in calls if call.split(".")[-1] in ("client", "resource", "Session", "open_lab")]


def test_the_headless_run_does_not_wait_for_pandas_and_matplotlib():
    code = "import sys, lab_lib.headless, lab_lib.cli; print({'pandas', 'matplotlib'} & set(sys.modules))"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "set()"
