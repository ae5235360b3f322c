"""Pages of W001 to W009: files that cannot be read or do not have the shape of a wiring."""

from stratoquant.graph.codes.page import CodePage

FILE_PAGES = (
    CodePage(
        "W001",
        "file cannot be read",
        "The path leads to nothing, to a folder, to a file that you may not read, or to one that is no UTF-8 text.",
        "stratoquant check specs/",
        "stratoquant check specs/sma_cross.yaml",
        "Give the path of a YAML text file.",
    ),
    CodePage(
        "W002",
        "not valid YAML",
        "The text cannot be taken apart into keys and values: a tab, a level that fits nothing around it, a bracket or "
        "quote left open, a number with a leading zero. Nothing below such a place can be checked.",
        """
        nodes:
          L14:
            inputs: {close: 100}
           params: {window: 21}
        """,
        """
        nodes:
          L14:
            inputs: {close: 100}
            params: {window: 21}
        """,
        "Indent with spaces, align the keys of one level, close what you open; put odd text in quotes.",
    ),
    CodePage(
        "W003",
        "key stands twice",
        "YAML would silently keep the last of two equal keys, so half of what you wrote would have no effect.",
        """
        nodes:
          L14: {inputs: {close: 100}}
          L14: {inputs: {close: 200}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
          slow: {layer: L14, inputs: {close: 200}}
        """,
        "Keep one of the two. To place a layer twice, give the second node a name and say `layer:`.",
    ),
    CodePage(
        "W004",
        "anchor or alias without sense",
        "An alias `*name` repeats what an anchor `&name` marked before it. An alias without an anchor repeats nothing, "
        "an anchor that holds its own alias never ends, and merge keys hide where a value comes from.",
        """
        nodes:
          L14: {inputs: {close: 100}, params: *usual}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}, params: &usual {window: 21}}
          slow: {layer: L14, inputs: {close: 200}, params: *usual}
        """,
        "Define the anchor above its first alias; share whole nodes by `include` instead of by merge keys.",
    ),
    CodePage(
        "W005",
        "named file or folder does not exist",
        "An entry of `include` or `layers` leads to nothing. Paths start at the folder of the file that names them, so "
        "a wiring means the same wherever it is run.",
        """
        include: [kinematix.yaml]
        nodes:
          L14: {inputs: {close: 100}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
        """,
        "Correct the path, or remove the entry.",
    ),
    CodePage(
        "W006",
        "circular include",
        "Two files include one another, directly or through others, so neither can be read first.",
        "# in signals.yaml\ninclude: [risk.yaml]\n# in risk.yaml\ninclude: [signals.yaml]",
        "# in main.yaml\ninclude: [signals.yaml, risk.yaml]",
        "Remove one of the includes; a file that both need is included by both, and is read once.",
    ),
    CodePage(
        "W007",
        "not the shape of a wiring",
        "A wiring has known keys, each with a known kind of value: clock, symbols, include, layers, nodes, override, "
        "orders, record, outputs, roles; a node has layer, clock, inputs, params. Anything else is a slip of the pen, "
        "and would have no effect.",
        """
        nodes:
          L14: {inputs: {close: 100}, parms: {window: 21}}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}, params: {window: 21}}
        """,
        "Write the key as the message says. Editors check this while you type: see `stratoquant schema`.",
    ),
    CodePage(
        "W008",
        "unknown format version",
        "The first line says which version of the format a file is written in, so that a later program can still "
        "read it rightly.",
        """
        clock: 1m
        stratoquant: 9
        nodes:
          L14: {inputs: {close: 100}}
        """,
        """
        stratoquant: 1
        clock: 1m
        nodes:
          L14: {inputs: {close: 100}}
        """,
        "Start the file with `stratoquant: 1`.",
    ),
    CodePage(
        "W009",
        "layer cannot be read",
        "The Python file of a layer fails when it is imported, or does not declare a layer under the name `step`.",
        "# my_layers/blocks/steady.py\ndef step(close):\n    return close",
        "# my_layers/blocks/steady.py\n@layer(None, 'steady', domain='block', source='own')\n"
        "def step(close: Price) -> Out:\n    return Out(close)",
        "Correct the file at the line named; `stratoquant new layer` writes one that works.",
    ),
)
