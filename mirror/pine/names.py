"""Names that Pine keeps for itself, or that an interpreter of it trips over, and the names we give instead."""

from __future__ import annotations

_WORDS = """
and array as bool box break by chart color const continue do else enum export extern false float footprint for if
import in input int label library line linefill log map math matrix method na not or polyline runtime series simple
str strategy string switch syminfo ta table ticker timeframe to true type var varip volume_row while
"""  # the language's own words, types and name spaces
_VARIABLES = """
adjustment alert alertcondition ask bar_index barcolor barmerge barstate bgcolor bid close currency dayofmonth
dayofweek dividends display earnings extend fill fixnan font format hl2 hlc3 hlcc4 high hline hour indicator
last_bar_index last_bar_time location low max_bars_back minute month nz ohlc4 open order plot plotarrow plotbar
plotcandle plotchar plotshape position request scale second session settlement_as_close shape size text time
time_close time_tradingday timenow timestamp volume weekofyear xloc year yloc
"""  # built-in variables and functions
_FOREIGN = """
arguments await catch class context debugger default delete eval extends finally function instanceof let new null
private protected public return static super this throw try typeof undefined void with yield
"""  # words of the languages that Pine interpreters are written in
RESERVED = frozenset((_WORDS + _VARIABLES + _FOREIGN).split())


def safe(name: str) -> str:
    """The name itself, or with a trailing underscore when it is taken."""
    return f"{name}_" if name in RESERVED else name
