"""Names that Pine keeps for itself, or that an interpreter of it trips over, and the names we give instead.

Sources: TradingView's reference of Pine v6 (keywords, types, variables, functions) and its guide for the change to v5,
which lists the words that are reserved for later. TradingView allows some of these names in some places; we use none of
them anywhere.
"""

from __future__ import annotations

_LATER = """
catch class do ellipse in is polygon range return struct text throw try
"""  # reserved without a meaning yet
_KEYWORDS = """
and as break by continue else enum export false for if import method not once or switch to true type var varip while
"""
_TYPES = """
array bool box chart color const float footprint input int label line linefill map matrix na polyline series simple
string table void volume_row
"""
_NAMESPACES = """
adjustment backadjustment barmerge barstate currency dayofweek display dividends earnings extend font format library log
location math order plot position request runtime scale session settlement_as_close shape size splits str strategy
syminfo ta ticker timeframe xloc yloc
"""
_VARIABLES = """
ask bar_index bid close dayofmonth high hl2 hlc3 hlcc4 hour last_bar_index last_bar_time low minute month ohlc4 open
second time time_close time_tradingday timenow volume weekofyear year
"""
_FUNCTIONS = """
alert alertcondition barcolor bgcolor fill fixnan hline indicator max_bars_back nz plotarrow plotbar plotcandle plotchar
plotshape timestamp
"""
_FOREIGN = """
arguments await context debugger default delete eval extends extern finally function instanceof let new null private
protected public static super this typeof undefined with yield
"""  # words of the languages that Pine interpreters are written in
RESERVED = frozenset((_LATER + _KEYWORDS + _TYPES + _NAMESPACES + _VARIABLES + _FUNCTIONS + _FOREIGN).split())


def safe(name: str) -> str:
    """The name itself, or with a trailing underscore when it is taken."""
    return f"{name}_" if name in RESERVED else name
