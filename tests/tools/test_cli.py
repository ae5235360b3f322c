"""The command line: exit codes, formats, what is written, and that no wrong input ends in a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import typer

from stratoquant.graph.codes import CODES
from stratoquant.layers import catalogue
from stratoquant.runtime.errors import StratoError
from stratoquant.tools import check as check_module
from stratoquant.tools.cli import app
from stratoquant.tools.entry import run
from stratoquant.tools.exit_codes import MEANING, ExitCode
from stratoquant.tools.wiring_check import app as wiring_check_app
from tests.tools.shell import GOOD, ROOT, Shell, environment, shell

__all__ = ["shell"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("check good.yaml", 0),
        ("check warned.yaml", 0),
        ("check warned.yaml --strict", 1),
        ("check good.yaml bad.yaml", 1),
        ("check absent.yaml", 3),
        ("check .", 3),
        ("check", 2),
        ("check --nonsense", 2),
        ("check good.yaml --format pdf", 2),
        ("check --explain W020", 0),
        ("check --explain D006", 0),
        ("check --explain w999", 2),
        ("check good.yaml -o no/such/folder.txt", 3),
        ("graph good.yaml", 0),
        ("graph bad.yaml", 1),
        ("graph absent.yaml", 3),
        ("graph good.yaml -o .", 3),
        ("layers", 0),
        ("layers L14", 0),
        ("layers rsi", 0),
        ("layers 14", 0),
        ("layers L14 --json", 0),
        ("layers nothing", 2),
        ("layers --domain nothing", 2),
        ("layers --folder nowhere", 2),
        ("schema -o -", 0),
        ("schema -o no/such/schema.json", 3),
        ("new wiring good.yaml", 2),
        ("new wiring mine.txt", 2),
        ("new wiring Mine.yaml", 2),
        ("new layer Bad-Name", 2),
        ("new layer mine --domain nothing", 2),
        ("data info nowhere", 3),
        ("data validate nowhere", 3),
        ("data validate good.yaml", 3),
        ("data import nowhere.csv out.parquet", 3),
        ("data import good.yaml out.parquet", 3),
        ("data import good.yaml out.parquet --map close", 2),
        ("data import good.yaml out.parquet --clock soon", 2),
        ("data synth out.parquet --bars 0", 2),
        ("data synth out.parquet --symbols A,A", 2),
        ("data synth out.parquet --clock 1x", 2),
        ("nonsense", 2),
        ("--help", 0),
        ("--version", 0),
        ("data --help", 0),
        ("new layer --help", 0),
    ],
)
def test_exit_code(line: str, code: int, shell: Shell) -> None:
    assert shell.run(*line.split()) == code, shell.err
    assert "Traceback" not in shell.out + shell.err
    if code in (2, 3) and not line.startswith(("check", "data validate")):
        assert "error" in shell.err or "usage" in shell.err
    assert not list(Path().rglob("*.part"))
    assert not Path("out.parquet").exists()


def test_help_tells_the_exit_codes_and_every_command_has_an_example(shell: Shell) -> None:
    assert shell.run("--help") == 0
    for code, meaning in MEANING.items():
        assert f"{code.value:>3}  {meaning}" in shell.out
    group = typer.main.get_command(app)
    for path, command in commands(group, ()):
        assert "Example: stratoquant " + " ".join(path) in (command.help or ""), path


def commands(group: object, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], object]]:
    found = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            found += commands(command, (*path, name))
        else:
            found.append(((*path, name), command))
    return found


def test_check_says_what_is_wrong_where_and_how_to_mend_it(shell: Shell) -> None:
    assert shell.run("check", "good.yaml", "bad.yaml") == 1
    assert shell.out.splitlines() == [
        "good.yaml: sound, 1 node",
        "bad.yaml:4:3: error W016: L14 (rsi) lacks its input `close`, a price",
        "    4 |   L14: {inputs: {clse: 100}}",
        "      |   ^",
        "  fix: wire `close` to a price or give a constant",
        "bad.yaml:4:18: error W013: L14 (rsi) has no input `clse`",
        "    4 |   L14: {inputs: {clse: 100}}",
        "      |                  ^",
        "  fix: did you mean `close`?",
        "bad.yaml: 2 errors",
    ]
    assert shell.err == ""


def test_check_formats(shell: Shell) -> None:
    assert shell.run("check", "bad.yaml", "--json") == 1
    assert json.loads(shell.out)["errors"] == 2
    assert shell.run("check", "bad.yaml", "--format", "sarif") == 1
    assert json.loads(shell.out)["runs"][0]["tool"]["driver"]["version"]
    assert shell.run("check", "bad.yaml", "--format", "github") == 1
    assert shell.out.startswith("::error file=bad.yaml,line=4,col=3,title=W016::")
    assert shell.run("check", "good.yaml", "--json") == 0
    assert json.loads(shell.out)["findings"] == []
    assert shell.run("check", "bad.yaml", "-f", "json", "-o", "found.json") == 1
    assert json.loads(Path("found.json").read_text(encoding="utf-8"))["files"] == ["bad.yaml"]
    assert shell.out == ""


def test_a_part_is_checked_with_the_wiring_that_includes_it(shell: Shell) -> None:
    Path("part.yaml").write_text("stratoquant: 1\nnodes: {L14: {inputs: {close: 7}}}\n", encoding="utf-8")
    Path("whole.yaml").write_text(
        "stratoquant: 1\nclock: 1m\ninclude: [part.yaml]\nrecord: [L14.rsi]\n", encoding="utf-8"
    )
    assert shell.run("check", "part.yaml", "whole.yaml") == 0
    assert shell.out == "whole.yaml: sound, 1 node\n"
    assert shell.run("check", "part.yaml") == 1


def test_the_same_finding_of_two_wirings_is_told_once_to_programs(shell: Shell) -> None:
    Path("part.yaml").write_text("stratoquant: 1\nnodes: {L14: {inputs: {close: -7}}}\n", encoding="utf-8")
    for name in ("a.yaml", "b.yaml"):
        text = "stratoquant: 1\nclock: 1m\ninclude: [part.yaml]\nrecord: [L14.rsi]\n"
        Path(name).write_text(text, encoding="utf-8")
    assert shell.run("check", "a.yaml", "b.yaml", "--json") == 1
    assert json.loads(shell.out)["errors"] == 1


@pytest.mark.parametrize("code", list(CODES))
def test_explain(code: str, shell: Shell) -> None:
    assert shell.run("check", "--explain", code.lower()) == 0
    assert shell.out.startswith(f"{code}  {CODES[code].title}\n")


def test_wiring_check_is_the_same_check(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run("check", "good.yaml", "bad.yaml")
    assert run(wiring_check_app, "wiring_check", ["good.yaml", "bad.yaml"]) == 1
    assert capsys.readouterr().out == shell.out


def test_prove_runs_the_proof_of_sound_wirings_only(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = pytest.importorskip("stratoquant.runtime.proof")
    proven = []
    monkeypatch.setattr(proof, "prove", lambda checked, announce: proven.append(checked.graph.name) or [])
    assert shell.run("check", "good.yaml", "bad.yaml", "--prove") == 1
    assert proven == ["good"]


def write_two(folder: Path) -> tuple[str, str]:
    """A wiring of one node and one of two, sound."""
    small = f"name: small\n{GOOD}"
    large = GOOD.replace("nodes:\n", "name: large\nnodes:\n  sma: {inputs: {close: 100}}\n").replace(
        "L14.rsi]", "L14.rsi, sma.value]"
    )
    (folder / "small.yaml").write_text(small, encoding="utf-8")
    (folder / "large.yaml").write_text(large, encoding="utf-8")
    return "small.yaml", "large.yaml"


def test_several_proofs_are_run_and_told_in_the_order_of_the_wirings(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STRATOQUANT_CACHE", str(tmp_path))
    assert shell.run("check", *write_two(Path()), "--prove") == 0, shell.out
    assert shell.out == "small.yaml: sound, 1 node\nlarge.yaml: sound, 2 nodes\n"
    modules = {path.name.split("_")[0] for path in tmp_path.glob("*.py")}
    assert modules - {"kernel"} == {"small", "large"}  # the others are those of the synthetic market


def test_no_proof_outlives_a_killed_command(tmp_path: Path) -> None:
    code = "from stratoquant.tools.wiring_check import main; main()"
    command = [sys.executable, "-c", code, "--prove", *write_two(tmp_path)]
    cache = {"STRATOQUANT_CACHE": str(tmp_path)}
    killed = subprocess.Popen(command, cwd=tmp_path, env=environment() | cache, stdout=subprocess.PIPE)
    while not list(tmp_path.glob("*.py")):  # until a worker is at its proof
        assert killed.poll() is None
        time.sleep(0.05)
    killed.kill()
    killed.communicate(timeout=600)  # ends when nobody can write to it any more


def test_graph_formats(shell: Shell) -> None:
    assert shell.run("graph", "good.yaml") == 0
    assert shell.out.startswith("good: 1 node at 1m\n")
    assert shell.run("graph", "good.yaml", "--json") == 0
    assert set(json.loads(shell.out)) >= {"nodes", "edges"}
    assert shell.run("graph", "good.yaml", "-f", "mermaid", "-o", "g.mmd") == 0
    assert Path("g.mmd").read_text(encoding="utf-8").startswith("flowchart LR\n")
    assert shell.run("graph", "good.yaml", "-f", "dot") == 0
    assert shell.out.startswith("digraph")


LAYERS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "name", "domain", "inputs", "outputs", "params"],
        "properties": {
            "id": {"type": ["integer", "null"]},
            "name": {"type": "string"},
            "domain": {"type": "string"},
            "inputs": {"$ref": "#/$defs/ports"},
            "outputs": {"$ref": "#/$defs/ports"},
            "params": {
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["default", "low", "high", "meaning"],
                    "properties": {
                        "default": {"type": "number"},
                        "low": {"type": "number"},
                        "high": {"type": "number"},
                        "meaning": {"type": "string"},
                    },
                }
            },
        },
    },
    "$defs": {
        "ports": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "type"],
                "properties": {"name": {"type": "string"}, "type": {"type": "string"}},
            },
        }
    },
}


def test_layers_as_data(shell: Shell) -> None:
    assert shell.run("layers", "--json") == 0
    listed = json.loads(shell.out)
    jsonschema.validate(listed, LAYERS_SCHEMA)
    numbers = [one["id"] for one in listed]
    assert numbers == sorted(numbers) and 14 in numbers
    assert shell.run("layers", "--json", "--blocks") == 0
    assert len(json.loads(shell.out)) == len(catalogue().keys())
    assert shell.run("layers", "L14", "--json") == 0
    (rsi,) = json.loads(shell.out)
    assert rsi["inputs"] == [{"name": "close", "type": "price"}]
    assert rsi["params"] == {"window": {"default": 14, "low": 2, "high": 500, "meaning": "bars of Wilder's average"}}


def test_page_of_a_layer(shell: Shell) -> None:
    assert shell.run("layers", "rsi") == 0
    for part in ("L14: Wilder's", "Rule: ", "source:        Wilder 1978", "close  price", "window  14  bars of"):
        assert part in shell.out


def failing(problem: BaseException) -> typer.Typer:
    made = typer.Typer(rich_markup_mode=None)

    @made.command()
    def fail() -> None:
        raise problem

    return made


def test_interruption_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing(KeyboardInterrupt()), "stratoquant", []) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.strip() == "interrupted; nothing half-written was left"


def test_error_of_the_user_is_told_with_its_fix(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing(StratoError("no room", "make some", "F004")), "stratoquant", []) == ExitCode.FILES
    assert capsys.readouterr().err == "error: F004 no room\n  fix: make some\n"


def test_refused_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing(PermissionError(13, "Permission denied", "x.yaml")), "stratoquant", []) == ExitCode.FILES
    assert capsys.readouterr().err == "error: x.yaml: permission denied\n"


def test_defect_shows_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing(ZeroDivisionError("oops")), "stratoquant", []) == ExitCode.DEFECT
    err = capsys.readouterr().err
    assert "Traceback" in err and "this is a defect of stratoquant" in err


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m tools.cli schema -o - | head -c 5; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=environment(), cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from stratoquant.tools.terminal import painter

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert painter(sys.stdout)("error", "x") == "\x1b[1;31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert painter(sys.stdout)("error", "x") == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert painter(sys.stdout)("error", "x") == "x"


HEAVY = ("numba", "llvmlite", "torch", "pandas", "polars", "ccxt", "plotly", "scipy", "networkx")
PROBE = """
import sys
from stratoquant.tools.entry import run
from stratoquant.tools.{module} import app
run(app, "probe", {arguments})
loaded = [name for name in {heavy} if name in sys.modules]
print("LOADED", loaded, file=sys.stderr)
"""


def loaded_by(module: str, arguments: list[str], heavy: tuple[str, ...]) -> list[str]:
    """What a command says last: which packages it imported."""
    code = PROBE.format(module=module, arguments=arguments, heavy=heavy)
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[-1:]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("cli", ["--help"]),
        ("cli", ["check", "good.yaml"]),
        ("cli", ["check", "--explain", "W020"]),
        ("cli", ["graph", "good.yaml"]),
        ("cli", ["layers"]),
        ("cli", ["ir", "L14"]),
        ("wiring_check", ["good.yaml", "bad.yaml"]),
    ],
)
def test_nothing_heavy_is_imported(module: str, arguments: list[str], shell: Shell) -> None:
    assert loaded_by(module, arguments, HEAVY) == ["LOADED []"]


UNUSED_BY_A_RUN = tuple(name for name in HEAVY if name not in ("llvmlite", "polars"))


def test_a_backtest_imports_what_it_needs(shell: Shell) -> None:
    """Also where it makes machine code first."""
    run = ["backtest", "good.yaml", "--symbols", "AAA", "--bars", "200"]
    assert loaded_by("cli", run, UNUSED_BY_A_RUN) == ["LOADED []"]


PARSED = """
from stratoquant.tools.entry import run
from stratoquant.tools.cli import app
from stratoquant.graph.kernels import kernel_source
code = run(app, "probe", {arguments})
print("PARSED", code, kernel_source.cache_info().misses)
"""


@pytest.mark.parametrize(
    "arguments", [["check", "good.yaml"], ["backtest", "good.yaml", "--symbols", "AAA", "--bars", "200"]]
)
def test_a_warm_start_reads_no_kernel(arguments: list[str], shell: Shell, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARSED.format(arguments=arguments)]
    warm = environment() | {"STRATOQUANT_CACHE": str(tmp_path / "plans")}
    said = [
        subprocess.run(command, env=warm, capture_output=True, text=True, check=False).stdout.splitlines()[-1]
        for _ in range(2)
    ]
    assert said[0].startswith("PARSED 0 ") and said[0] != "PARSED 0 0"
    assert said[1] == "PARSED 0 0"


def test_part_of_nothing_is_checked_alone() -> None:
    assert check_module.without_parts([ROOT / "specs" / "sma_cross.yaml"]) == [ROOT / "specs" / "sma_cross.yaml"]
