"""Pages of W020 to W052: wires that do not fit, wait for themselves, lead nowhere."""

from stratoquant.graph.codes.page import CodePage

WIRE_PAGES = (
    CodePage(
        "W020",
        "wrong type of edge",
        "Each port says what its numbers mean. A quantity wired where a price is expected would compute, and be wrong. "
        "So would a volatility per day in place of one per bar, a forecast in place of what was realised, or a "
        "volatility per bar of another clock.",
        """
        nodes:
          L0: {inputs: {raw: market, now: clock.time}}
          L14: {inputs: {close: L0.volume}}
        """,
        """
        nodes:
          L0: {inputs: {raw: market, now: clock.time}}
          L14: {inputs: {close: L0.close}}
        """,
        "Wire one of the ports that the message lists, or another layer between the two.",
    ),
    CodePage(
        "W021",
        "constant out of range",
        "A number in place of a wire must be one that the wire could carry: a price above 0, a share from 0 to 1.",
        """
        nodes:
          L14: {inputs: {close: -5}}
        """,
        """
        nodes:
          L14: {inputs: {close: 5}}
        """,
        "Choose a number inside the range of the port's type.",
    ),
    CodePage(
        "W022",
        "wrong shape",
        "A port takes either one value or a vector of a fixed size. A list feeds a vector port, element by element; "
        "a shorter list is filled up with none.",
        """
        nodes:
          L14: {inputs: {close: [100, 101]}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
        """,
        "Wire as many ports as the vector has elements, or a single one.",
    ),
    CodePage(
        "W023",
        "one value wanted, one a symbol given",
        "A portfolio layer steps once for all symbols. An input of it that is a single value cannot say whose value "
        "it would take.",
        "nodes:\n  L95: {inputs: {kill: operator.kill, quality: L0.quality, ...}}  # quality is one value for all",
        "nodes:\n  L95: {inputs: {kill: operator.kill, quality: 1, ...}}",
        "Wire a shared port (account.equity, clock.time, a shared output of a portfolio layer) or a constant.",
    ),
    CodePage(
        "W024",
        "required input may not be none",
        "`none` leaves an input missing in every step; a required input that is missing stops the node for ever.",
        """
        nodes:
          L14: {inputs: {close: none}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
        """,
        "Wire a port or a constant; after a delay, write `else NUMBER` instead of `else none`.",
    ),
    CodePage(
        "W025",
        "clock is no multiple of the base",
        "A slow bar is made of whole base bars. Bars of 90 seconds cannot be made of bars of 60, nor bars that open at "
        "22:30 of hours.",
        """
        nodes:
          L14: {clock: 90s, inputs: {close: 100}}
        """,
        """
        nodes:
          L14: {clock: 3m, inputs: {close: 100}}
        """,
        "Use a multiple of the base clock, or a faster base clock.",
    ),
    CodePage(
        "W026",
        "not a clock",
        "A clock is a whole number and a unit: ms, s, m, h, d or w. Bars open from 00:00 UTC and weeks on Mondays, or "
        "when the clock says so: 4h@02:00, 1d@22:00, 1w@sun 22:00. Clocks of one length open together.",
        """
        nodes:
          L14: {clock: 15min, inputs: {close: 100}}
        """,
        """
        nodes:
          L14: {clock: 15m, inputs: {close: 100}}
        """,
        "Write it as 1m, 15m, 4h or 1d.",
    ),
    CodePage(
        "W027",
        "market event from elsewhere",
        "A market event is a whole bar as the feed gives it; no layer makes one.",
        "nodes:\n  L0: {inputs: {raw: other.event, now: clock.time}}",
        "nodes:\n  L0: {inputs: {raw: market, now: clock.time}}",
        "Write `market`.",
    ),
    CodePage(
        "W030",
        "nodes wait for one another",
        "In a step every node is computed once, after all that it reads. Nodes on a cycle would each have to come "
        "before the other.",
        """
        nodes:
          a: {layer: L18, inputs: {close: b.kama}}
          b: {layer: L18, inputs: {close: a.kama}}
        """,
        """
        nodes:
          a: {layer: L18, inputs: {close: b.kama@-1 else 100}}
          b: {layer: L18, inputs: {close: a.kama}}
        """,
        "Let one of them read the step before: `NODE.port@-1 else VALUE`.",
    ),
    CodePage(
        "W031",
        "delay that is none",
        "`@-1` reads the value of the step before; it is the only delay. It needs a value for the time before there "
        "is one. Values of the future, such as @1, cannot be written.",
        """
        nodes:
          L0: {inputs: {raw: market, now: clock.time}}
          L14: {inputs: {close: L0.close@-1}}
        """,
        """
        nodes:
          L0: {inputs: {raw: market, now: clock.time}}
          L14: {inputs: {close: L0.close@-1 else 1}}
        """,
        "Write `NODE.port@-1 else VALUE`, or `else none` for an optional input.",
    ),
    CodePage(
        "W040",
        "node leads nowhere",
        "Nothing that is ordered, recorded or shown depends on this node. It costs time in every step and changes "
        "nothing; often a wire was forgotten.",
        """
        nodes:
          L14: {inputs: {close: 100}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
        record: [L14.rsi]
        """,
        "Wire it on, record one of its ports, or remove it.",
    ),
    CodePage(
        "P001",
        "a value knows the future",
        "The proof cut and disturbed the bars after a moment, and a value from before it changed. Somewhere between "
        "the data and this port something reads ahead.",
        "stratoquant check strategy.yaml --prove   # with a host that aligns slow bars by their open",
        "stratoquant check strategy.yaml --prove   # with a host that gives slow bars at their close",
        "Follow the port back to the data. With the hosts of this package it is a defect; please report it.",
    ),
    CodePage(
        "W050",
        "model missing or not wanted",
        "A layer that was fitted to data has its numbers in a file of their own. Without them it cannot run; a layer "
        "that was not fitted has no use for them.",
        """
        nodes:
          L64: {inputs: {close: L0.close, sigma: L1.sigma}}
        """,
        """
        nodes:
          L64: {inputs: {close: L0.close, sigma: L1.sigma}, model: {file: models/regime.json, sha256: 9f86d081...}}
        """,
        "Make a model with `stratoquant fit regime` and write the two lines that it prints, or remove `model`.",
    ),
    CodePage(
        "W051",
        "model file that cannot be used",
        "The file is not there, is no model, or is a model of another layer.",
        "model: {file: modells/regime.json, sha256: 9f86d081...}",
        "model: {file: models/regime.json, sha256: 9f86d081...}",
        "Correct the path, which starts at the folder of the wiring file, or make the model anew.",
    ),
    CodePage(
        "W052",
        "another model than the wiring names",
        "A wiring names a model by the SHA-256 of its file, so that results can be repeated. The file has changed.",
        "model: {file: models/regime.json, sha256: 00000000...}",
        "model: {file: models/regime.json, sha256: 9f86d081...}",
        "Bring the file back, or write its hash (the message has it) if the change is meant.",
    ),
)
