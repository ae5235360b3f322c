"""Pages of W010 to W019, W060 and W061: words of a wiring that refer to nothing or to a thing twice, unfit names."""

from stratoquant.graph.codes.page import CodePage

NAME_PAGES = (
    CodePage(
        "W010",
        "unknown layer",
        "A node's name, or its `layer:`, is no key of a layer. Numbered layers have keys such as L14, blocks their "
        "bare name. A layer of your own is a file `blocks/NAME.py`, or `lNUMBER_NAME.py`, in a folder under `layers:`.",
        """
        nodes:
          rsi: {inputs: {close: 100}}
        """,
        """
        nodes:
          rsi: {layer: L14, inputs: {close: 100}}
        """,
        "Look the key up with `stratoquant layers`.",
    ),
    CodePage(
        "W011",
        "unknown node",
        "A reference, an override or --set names a node that no file of this wiring places.",
        """
        nodes:
          L0: {inputs: {raw: market, now: clock.time}}
          L14: {inputs: {close: feed.close}}
        """,
        """
        nodes:
          L0: {inputs: {raw: market, now: clock.time}}
          L14: {inputs: {close: L0.close}}
        """,
        "Place the node, include the file that does, or correct the name. A reference uses the node's key.",
    ),
    CodePage(
        "W012",
        "unknown output",
        "The node is there, but has no output of that name; or account, clock, venue or operator have no such port.",
        """
        nodes:
          L14: {inputs: {close: 100}}
        record: [L14.rsii]
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
        record: [L14.rsi]
        """,
        "`stratoquant layers L14` lists the outputs of a layer.",
    ),
    CodePage(
        "W013",
        "unknown input",
        "The layer has no input of that name, so the wire would lead nowhere.",
        """
        nodes:
          L14: {inputs: {close: 100, price: 100}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
        """,
        "`stratoquant layers L14` lists the inputs of a layer.",
    ),
    CodePage(
        "W014",
        "unknown parameter",
        "The layer has no parameter of that name, so the value would have no effect.",
        """
        nodes:
          L14: {inputs: {close: 100}, params: {length: 21}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}, params: {window: 21}}
        """,
        "`stratoquant layers L14` lists the parameters of a layer.",
    ),
    CodePage(
        "W015",
        "parameter out of bounds",
        "Each parameter has bounds within which the layer was tested, and counts must be whole numbers.",
        """
        nodes:
          L14: {inputs: {close: 100}, params: {window: 1}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}, params: {window: 21}}
        """,
        "Choose a value inside the bounds that the message names.",
    ),
    CodePage(
        "W016",
        "input missing",
        "A layer steps only when its required inputs are there, so a node without one would never speak.",
        """
        nodes:
          L14: {params: {window: 21}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}, params: {window: 21}}
        """,
        "Wire the input to a port of the same type. A number inside the port's range will do as well.",
    ),
    CodePage(
        "W017",
        "not a reference",
        "The value stands where a wire is expected, but is not of the form NODE.port, a number, none or a list of "
        "these. `record` and `roles` take outputs of nodes only, and no delayed ones.",
        """
        nodes:
          L14: {inputs: {close: 100}}
          slow: {layer: L14, inputs: {close: L14}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
          slow: {layer: L14, inputs: {close: 90}}
        """,
        "Name the port as well, such as L0.close.",
    ),
    CodePage(
        "W018",
        "node placed twice",
        "Two files place a node under the same name, so a reference to it would be ambiguous.",
        "# in a.yaml\nnodes: {L14: {inputs: {close: L0.close}}}\n"
        "# in b.yaml, which includes a.yaml\nnodes: {L14: {inputs: {close: L0.close}, params: {window: 21}}}",
        "# in b.yaml, which includes a.yaml\noverride: {L14: {params: {window: 21}}}",
        "Name one of them otherwise (with `layer:`), or change the included node under `override`.",
    ),
    CodePage(
        "W019",
        "not a name for a node",
        "Node names appear in references, in generated code and in charts, so they are plain words; market, account, "
        "clock, venue and operator already mean what lies outside the graph.",
        """
        nodes:
          fast-rsi: {layer: L14, inputs: {close: 100}}
        """,
        """
        nodes:
          fast_rsi: {layer: L14, inputs: {close: 100}}
        """,
        "Use letters and digits, begin with a letter, single underscores between.",
    ),
    CodePage(
        "W060",
        "not a name for files",
        "The results of a run go to a folder with the wiring's name, and bars to files with the names of their "
        "symbols, so these names must be names of files on every system. A symbol may have parts, as in BTC/USDT.",
        """
        name: ../elsewhere
        nodes:
          L14: {inputs: {close: 100}}
        """,
        """
        name: elsewhere
        nodes:
          L14: {inputs: {close: 100}}
        """,
        "Use letters and digits of any script; no separators of folders, control characters or words that Windows "
        "keeps for devices (CON, NUL), no dot at the beginning or the end, and at most 100 bytes.",
    ),
    CodePage(
        "W061",
        "symbol named twice",
        "A run has one account row per symbol, so a symbol that stands twice would be traded twice.",
        """
        symbols: [BTCUSDT, BTCUSDT]
        nodes:
          L14: {inputs: {close: 100}}
        """,
        """
        symbols: [BTCUSDT, ETHUSDT]
        nodes:
          L14: {inputs: {close: 100}}
        """,
        "Name each symbol once.",
    ),
)
