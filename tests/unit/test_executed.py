"""`lab result`: the result of notebooks that papermill has executed, read from their files."""

import json

import pytest

from tests.lab.commands import assert_refused, in_process

LAB = "account 123456789012 on AWS, Region eu-west-1, prefix ana-\n"
FAILED = {"output_type": "error", "ename": "LabError", "evalue": "no ana@example.com", "traceback": []}


def shown(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def cell(tag, *outputs, count=1):
    metadata = {"tags": [tag], "papermill": {"exception": False, "status": "completed"}}
    parts = {"execution_count": count, "outputs": list(outputs), "source": "1", "metadata": metadata}
    return {"cell_type": "code", "id": tag, **parts}


@pytest.fixture
def write(tmp_path):
    """write("00", cell(…)): a notebook as papermill leaves it."""

    def write(name, *cells, **metadata):
        notebook = {"nbformat": 4, "nbformat_minor": 5, "cells": cells}
        path = tmp_path / f"{name}.ipynb"
        path.write_text(json.dumps(notebook | {"metadata": {"papermill": {"duration": 1.26}} | metadata}))
        return path

    return write


def result(folder):
    """Run `lab result`. Return its exit status, its output, and what it wrote."""
    ended = in_process("result", folder)
    return ended.exit_code, ended.output, json.loads((folder / "result.json").read_text())


def test_the_result_says_how_each_ended_and_what_it_printed_with_private_values_masked(write, tmp_path):
    write("00-start-here", cell("setup", shown(LAB)), cell("x", shown("to ana@example.com, +15555550100\n")))
    write("01-more", cell("setup", shown(LAB)), cell("checkpoint", shown("Checks that hold: 5 of 5\n")))

    status, output, written = result(tmp_path)

    masked = LAB.replace("12345678", "********").strip()
    step = {"ok": True, "seconds": 1.26, "error": None}
    assert (status, written) == (
        0,
        {
            "ok": True,
            "seconds": 2.5,
            "steps": [
                {"notebook": "00-start-here", **step, "printed": f"{masked}\nto a***@example.com, +*********00"},
                {"notebook": "01-more", **step, "printed": f"{masked}\nChecks that hold: 5 of 5"},
            ],
        },
    )
    assert "Checks that hold: 5 of 5" in output
    assert (tmp_path / "result.json").stat().st_mode & 0o077 == 0
    assert (tmp_path / "chain-00.svg").exists()


@pytest.mark.parametrize(
    ("cells", "papermill", "error"),
    [
        ([cell("x", FAILED), cell("y", count=None)], {"duration": 1.0}, "LabError: no a***@example.com"),
        ([cell("x"), cell("y", count=None)], {"duration": 1.0}, "stopped"),
        ([cell("x", count=None)], {"duration": None}, "stopped"),
    ],
    ids=["failed", "its kernel died", "papermill was killed"],
)
def test_a_notebook_that_did_not_end_well_fails_the_result(cells, papermill, error, write, tmp_path):
    write("00", cell("setup", shown(LAB)))
    write("01", *cells, papermill=papermill)

    status, output, written = result(tmp_path)

    first, second = written["steps"]
    assert (status, written["ok"], first["ok"], second["ok"]) == (1, False, True, False)
    assert error in second["error"]
    assert error in output


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No notebook is in"), ("{", "Cannot read "), ("", "01.ipynb was not executed by papermill")],
)
def test_what_is_no_executed_notebook_is_one_line_and_nothing_is_written(content, why, write, tmp_path):
    if content is not None:
        write("00", cell("setup", shown(LAB)))
        path = write("01", papermill={"parameters": {}})
        path.write_text(content or path.read_text())

    ended = in_process("result", tmp_path)

    assert_refused(ended)
    assert why in ended.stderr
    assert not (tmp_path / "result.json").exists()
