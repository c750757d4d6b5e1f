"""Programs in charts: they run with what Python has alone, in an image that has no more."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

CHARTS = Path(__file__).parents[3] / "charts"
PROGRAMS = sorted(CHARTS.glob("*/files/*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.parts[-3])
def test_a_program_needs_nothing_but_python(program: Path):
    runpy.run_path(str(program), run_name="loaded")
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(program.read_text()))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names
