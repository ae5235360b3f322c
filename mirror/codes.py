"""The codes of what can go wrong with a mirror: title, cause, fix. Data only; who raises them is elsewhere."""

from __future__ import annotations

from stratoquant.runtime.errors import CodePage

_PAGES = (
    CodePage(
        "M001",
        "nothing to translate",
        "A chart computes what needs bars alone. This wiring has no such layer, or none of its roles and recorded "
        "ports belongs to one: everything hangs on the account, on a book, on trades or on a model.",
        "Wire layers marked `pine: yes` (`stratoquant layers` shows them), give roles to their ports, or name ports "
        "with --ports.",
    ),
    CodePage(
        "M002",
        "port not on a chart",
        "A port that was asked for belongs to a layer that was cut out, or is a vector.",
        "Ask for other ports, or embed a run that recorded what crosses the cut (--embed).",
    ),
    CodePage(
        "M003",
        "does not fit",
        "TradingView limits a script: compiled tokens, variables in a scope, plots. Even one port of this wiring, with "
        "all that it needs, is beyond a limit.",
        "Mirror a smaller wiring, or one of the ports that needs less.",
    ),
    CodePage(
        "M004",
        "kernel without a Pine form",
        'A layer says pine="yes", but a kernel below it uses something that Pine does not have.',
        'Write the named line otherwise, or declare the layer pine="no".',
    ),
    CodePage("M005", "no such port", "The wiring has no port of this name.", "Write NODE.port, such as L14.rsi."),
    CodePage(
        "M006",
        "nothing to trade by",
        "A strategy sends the wiring's own orders, or follows its direction. The tester cannot be sent these orders, "
        "for the reason in the message, and no port has the role `direction`.",
        "Add `roles: {direction: L3.direction}`, or make the orders market orders (side, qty, valid, reduce_only) of "
        "layers that need bars and the account alone.",
    ),
    CodePage(
        "M007",
        "reserved name",
        "The script declares a name that Pine keeps for itself, such as a field `range` or a variable `text`. "
        "TradingView would refuse it: reserved words cannot be the name of a type, field, enum, function, method, "
        "parameter, variable, loop variable, element of a tuple or import. The translator renames them all (`range` to "
        "`range_`), so one that is left is a fault of the translator.",
        "Please report it with the wiring. Until then, give the port, parameter or field that the message names "
        "another name in its layer.",
    ),
    CodePage(
        "M008",
        "script not sound",
        "The script has a type error, a name that is not declared or declared twice, or a call with the wrong "
        "arguments. TradingView would refuse it, so it is not written.",
        "Where a name is declared twice, rename the node, port or parameter that it comes from: Pine has one namespace "
        "for all of a script. For anything else please report it with the wiring.",
    ),
    CodePage(
        "M010",
        "no interpreter",
        "To compare, somebody else's interpreter of Pine must run the script; none is installed.",
        "Install one as the message says.",
    ),
    CodePage(
        "M011",
        "interpreter refused",
        "The interpreter stopped on the script. What it said is in the message.",
        "Try the other interpreter (--engine); if both refuse, please report it with the wiring.",
    ),
    CodePage(
        "M020",
        "run cannot be read",
        "The folder holds no finished run, or files of it are missing or cut short.",
        "Run the backtest again and give its folder.",
    ),
    CodePage(
        "M021",
        "run of another wiring",
        "Nodes, wires, parameters or kernels have changed since the run. Its values would be compared with others.",
        "Run this wiring and embed that run.",
    ),
    CodePage(
        "M022", "symbol not in the run", "The run traded other symbols.", "Name one of its symbols with --symbol."
    ),
    CodePage(
        "M030",
        "no JSON mirror",
        "A line is not what the published schema says: the file is damaged, or something else.",
        "Write the file again with `stratoquant mirror json`.",
    ),
    CodePage(
        "M031",
        "newer JSON mirror",
        "The file was written by a later version, in a form that this program does not know.",
        "Update stratoquant.",
    ),
    CodePage(
        "M032",
        "file of another run",
        "A JSON mirror grows under its header. The file there was written for another wiring or other symbols.",
        "Write to another file, or remove the old one.",
    ),
    CodePage(
        "M033",
        "file in use",
        "Another process holds the file open to append to it: a live journal, or the same command twice.",
        "Wait until it is done, or write to another file.",
    ),
    CodePage(
        "M040",
        "chart library missing",
        "The page is drawn by lightweight-charts, which npm installs; it is not part of this product.",
        "Install it as the message says.",
    ),
    CodePage("M041", "nothing to draw", "The period holds no bar, or more than a page can show.", "Choose another."),
)
CODES: dict[str, CodePage] = {page.code: page for page in _PAGES}
