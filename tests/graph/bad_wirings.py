"""Bad wirings, one mistake each, and what a user must be told about them. The tests that use them are elsewhere."""

from tests.graph.findings import HEAD

FEED = HEAD + "nodes:\n  feed: {inputs: {raw: market}}\n"  # a node written after it stands in line 5
RISK = FEED + (
    "  call: {layer: opinion, inputs: {price: feed.close, level: 100}}\n"
    "  governor: {inputs: {kill: operator.kill, quality: 1}}\n"
)
GATE = (
    "  gate: {inputs: {side: call.side, notional: 1000, price: feed.close, trade: governor.trade,"
    " close_only: governor.close_only, flatten: governor.flatten, scale: governor.scale}}\n"
)
ORDERS = "orders: {side: gate.side, qty: gate.qty}\n"

# name: wiring, code, line:column, what the message says, what the fix says
CASES = {
    "unknown layer": (
        FEED + "  smoth: {inputs: {x: feed.close}}\n",
        ("W010", "5:3", "unknown layer `smoth`", "did you mean `smooth`?"),
    ),
    "layer by its name": (
        FEED + "  rsi: {inputs: {close: feed.close}}\n",
        ("W010", "5:3", "unknown layer `rsi`", "write its key: `layer: L14`"),
    ),
    "unknown layer under a name": (
        FEED + "  slow: {layer: smoth, inputs: {x: feed.close}}\n",
        ("W010", "5:17", "unknown layer `smoth`", "did you mean `smooth`?"),
    ),
    "unknown number": (
        FEED + "  L141: {inputs: {x: feed.close}}\n",
        ("W010", "5:3", "unknown layer `L141`", "`stratoquant layers` lists them"),
    ),
    "unknown node": (
        FEED + "  L14: {inputs: {close: fed.close}}\n",
        ("W011", "5:25", "there is no node `fed`", "did you mean `feed`?"),
    ),
    "unknown output": (
        FEED + "  L14: {inputs: {close: feed.closee}}\n",
        ("W012", "5:25", "feed (feed) has no output `closee`", "did you mean `close`?"),
    ),
    "unknown account port": (
        FEED + "  smooth: {inputs: {x: account.equty}}\n",
        ("W012", "5:24", "`account` has no port `equty`", "did you mean `equity`?"),
    ),
    "unknown input": (
        FEED + "  L14: {inputs: {close: feed.close, clos: 1}}\n",
        ("W013", "5:37", "L14 (rsi) has no input `clos`", "did you mean `close`?"),
    ),
    "unknown order port": (
        RISK + GATE + "orders: {side: gate.side, qty: gate.qty, prize: 5}\n",
        ("W013", "8:42", "an order has no port `prize`", "did you mean `price`?"),
    ),
    "unknown parameter": (
        FEED + "  L14: {inputs: {close: feed.close}, params: {windw: 3}}\n",
        ("W014", "5:47", "L14 (rsi) has no parameter `windw`", "did you mean `window`?"),
    ),
    "parameter of a layer without": (
        HEAD + "nodes:\n  feed: {inputs: {raw: market}, params: {window: 3}}\n",
        ("W014", "4:42", "feed (feed) has no parameter `window`", "it has none"),
    ),
    "parameter too small": (
        FEED + "  L14: {inputs: {close: feed.close}, params: {window: 1}}\n",
        ("W015", "5:55", "L14.window = 1, but it is a whole number from 2 to 500", "the default is 14: bars of"),
    ),
    "fraction for a whole parameter": (
        FEED + "  L14: {inputs: {close: feed.close}, params: {window: 14.5}}\n",
        ("W015", "5:55", "L14.window = 14.5, but it is a whole number", "the default is 14"),
    ),
    "parameter too large for a number": (
        FEED + "  mix: {inputs: {a: feed.close}, params: {weight: 1e999}}\n",
        ("W015", "5:51", "mix.weight = inf, but it is a number from -2 to 2", "the default is 0.5: share of b"),
    ),
    "parameter that is text": (
        FEED + "  L14: {inputs: {close: feed.close}, params: {window: long}}\n",
        ("W007", "5:55", "`nodes.L14.params.window` must be a number, not `long`", "`params: {window: 14}`"),
    ),
    "input missing": (
        FEED + "  L14: {params: {window: 20}}\n",
        ("W016", "5:3", "L14 (rsi) lacks its input `close`, a price", "`close: feed.close` would fit"),
    ),
    "market missing": (
        HEAD + "nodes:\n  feed: {}\n",
        ("W016", "4:3", "feed (feed) lacks its input `raw`, a market_event", "`raw: market` would fit"),
    ),
    "order without quantity": (
        RISK + GATE + "orders: {side: gate.side}\n",
        ("W016", "8:1", "`orders` lacks `qty`", "wire `qty` to the qty"),
    ),
    "reference without port": (
        FEED + "  L14: {inputs: {close: feed}}\n",
        ("W017", "5:25", "`feed` is no reference", "name its port as well: `feed.time`"),
    ),
    "reference with strange characters": (
        FEED + "  L14: {inputs: {close: feed close}}\n",
        ("W017", "5:25", "`feed close` is no reference", "write NODE.port"),
    ),
    "element of a list": (
        FEED + "  gather: {inputs: {values: [feed.close, feed.hihg]}}\n",
        ("W012", "5:42", "feed (feed) has no output `hihg`", "did you mean `high`?"),
    ),
    "recorded constant": (
        FEED + 'record: ["5"]\n',
        ("W017", "5:10", "`5` is no reference", "write NODE.port"),
    ),
    "recorded delay": (
        FEED + "record: [feed.close@-1 else 1]\n",
        ("W017", "5:10", "`feed.close@-1 else 1` is no output of a node", "write NODE.port"),
    ),
    "bad node name": (
        FEED + "  fast-rsi: {layer: L14, inputs: {close: feed.close}}\n",
        ("W019", "5:3", "`fast-rsi` cannot be a node's name", "letters and digits, single underscores"),
    ),
    "node named like a source": (
        FEED + "  market: {layer: L14, inputs: {close: feed.close}}\n",
        ("W019", "5:3", "`market` cannot be a node's name", "not market, account, clock, venue, operator"),
    ),
    "wrong edge type": (
        FEED + "  L14: {inputs: {close: feed.volume}}\n",
        (
            "W020",
            "5:25",
            "L14.close takes a price, but feed.volume is a qty",
            "of feed these fit: feed.high, feed.low, ",
        ),
    ),
    "wrong edge type of the account": (
        FEED + "  L14: {inputs: {close: account.equity}}\n",
        ("W020", "5:25", "L14.close takes a price, but account.equity is a notional", "such as feed.high, feed.low"),
    ),
    "vector for a scalar": (
        FEED + "  smooth: {inputs: {x: feed.bid_px}}\n",
        ("W020", "5:24", "smooth.x takes a real, but feed.bid_px is a vec<10> price", "of feed these fit: feed.time"),
    ),
    "vector of another size": (
        FEED + "  gather: {inputs: {values: feed.bid_px}}\n",
        ("W020", "5:29", "gather.values takes a vec<4> real, but feed.bid_px is a vec<10> price", "wire a vec<4> real"),
    ),
    "constant out of range": (
        HEAD + "nodes:\n  L14: {inputs: {close: -5}}\n",
        ("W021", "4:25", "L14.close: -5 is no price (> 0)", "inside the port's range"),
    ),
    "constant beyond every number": (
        HEAD + f"nodes:\n  L14: {{inputs: {{close: {'9' * 400}}}}}\n",
        ("W021", "4:25", "L14.close: inf is no price", "inside the port's range"),
    ),
    "list too long": (
        HEAD + "nodes:\n  gather: {inputs: {values: [1, 2, 3, 4, 5]}}\n",
        ("W022", "4:29", "gather.values takes 4 ports, the list has 5", "shorten the list"),
    ),
    "list for a scalar": (
        HEAD + "nodes:\n  L14: {inputs: {close: [1, 2]}}\n",
        ("W022", "4:25", "L14.close takes one price, not a list", "wire one port"),
    ),
    "number for a vector": (
        HEAD + "nodes:\n  gather: {inputs: {values: 1}}\n",
        ("W022", "4:29", "gather.values takes a vec<4> real, not a number", "wire a port"),
    ),
    "scope": (
        FEED + "  place: {inputs: {x: feed.close, scale: feed.volume}}\n",
        ("W023", "5:42", "place.scale is one value for all symbols, but feed.volume has one a symbol", "account.*"),
    ),
    "none for a required input": (
        HEAD + "nodes:\n  L14: {inputs: {close: none}}\n",
        ("W024", "4:25", "L14.close is required and cannot be `none`", "wire a price or a constant"),
    ),
    "delay that leaves a required input missing": (
        FEED + "  L14: {inputs: {close: feed.close@-1 else none}}\n",
        ("W024", "5:25", "L14.close is required; `else none` would leave it missing", "before the first step"),
    ),
    "clock that is no multiple": (
        FEED + "  L14: {clock: 90s, inputs: {close: feed.close}}\n",
        ("W025", "5:3", "L14: the clock 90s is no multiple of the base clock 1m", "use a multiple of 1m"),
    ),
    "clock that is none": (
        FEED + "  L14: {clock: 15min, inputs: {close: feed.close}}\n",
        ("W026", "5:16", "'15min' is not a clock", "write a number and a unit"),
    ),
    "clock of nothing": (
        "stratoquant: 1\nclock: 0m\nnodes:\n  L14: {inputs: {close: 1}}\n",
        ("W026", "2:8", "'0m' is not a clock; it must be longer than nothing", "write a number and a unit"),
    ),
    "cycle": (
        HEAD + "nodes:\n  a: {layer: mix, inputs: {a: c.value}}\n  b: {layer: mix, inputs: {a: a.value}}\n"
        "  c: {layer: mix, inputs: {a: b.value}}\n",
        ("W030", "4:31", "wait for one another in the same step: a -> b -> c -> a", "`c.value@-1 else VALUE`"),
    ),
    "cycle of one": (
        HEAD + "nodes:\n  mix: {inputs: {a: mix.value}}\n",
        ("W030", "4:21", "mix -> mix", "`mix.value@-1 else VALUE`"),
    ),
    "delay without else": (
        FEED + "  L14: {inputs: {close: feed.close@-1}}\n",
        ("W031", "5:25", "`feed.close@-1` does not say what stands there", "write `feed.close@-1 else 0`"),
    ),
    "delay into the future": (
        FEED + "  L14: {inputs: {close: feed.close@1}}\n",
        ("W031", "5:25", "the delay @1 is not possible", "future values never"),
    ),
    "delay with a word": (
        FEED + "  L14: {inputs: {close: feed.close@-1 else nothing}}\n",
        ("W017", "5:25", "`else nothing` is no number", "write a number or none"),
    ),
    "delay out of range": (
        FEED + "  L14: {inputs: {close: feed.close@-1 else -1}}\n",
        ("W021", "5:25", "L14.close: else -1 is no price (> 0)", "inside the port's range"),
    ),
    "order around the gate": (
        RISK + GATE + "  mean: {layer: smooth, inputs: {x: call.side}}\n"
        "  size: {layer: gather, inputs: {values: [mean.mean]}}\n"
        "orders: {side: gate.side, qty: gate.qty, ttl: size.present}\n",
        ("W044", "10:47", "`orders.ttl` is size.present, which is no output of the risk gate", "or give any number"),
    ),
    "gate not governed": (
        RISK + GATE.replace("trade: governor.trade", "trade: 1") + ORDERS,
        ("W043", "7:78", "gate.trade is 1, not the governor's `trade` of this step", "wire it to L95.trade"),
    ),
    "gate governed late": (
        RISK + GATE.replace("governor.scale", "governor.scale@-1 else 0") + ORDERS,
        ("W043", "7:161", "gate.scale is governor.scale@-1 else 0, not the governor's", "wire it to L95.scale"),
    ),
    "order from nowhere": (
        RISK + GATE + "orders: {side: gate.side, qty: 1}\nrecord: [gate.qty]\n",
        ("W044", "8:32", "`orders.qty` is 1, which is no output of the risk gate", "wire it to an output of L4"),
    ),
    "key stands twice": (
        HEAD + "nodes:\n  L14: {inputs: {close: 1}}\n  L14: {inputs: {close: 2}}\n",
        ("W003", "5:3", "the key `L14` stands twice; first at line 4", "keep one of the two"),
    ),
    "wrong indentation": (
        HEAD + "nodes:\n  L14:\n    inputs: {close: 1}\n   params: {window: 3}\n",
        ("W002", "6:4", "this line fits no level that is open", "align it"),
    ),
    "missing colon": (
        HEAD + "nodes\n  L14: {inputs: {close: 1}}\n",
        ("W002", "3:1", "this key has no colon behind it", "write `key: value`"),
    ),
    "second colon": (
        HEAD + "name: a: b\n",
        ("W002", "3:8", "a colon stands where no key can be", "one `key: value` a line"),
    ),
    "tab": (
        HEAD + "nodes:\n\tL14: {inputs: {close: 1}}\n",
        ("W002", "4:1", "a tab stands where YAML wants spaces", "indent with spaces only"),
    ),
    "tab in a deeper line": (
        HEAD + "nodes:\n  L14:\n    inputs: {close: 1}\n\tparams: {window: 3}\n",
        ("W002", "6:1", "a tab stands where YAML wants spaces", "indent with spaces only"),
    ),
    "open bracket": (
        HEAD + "nodes:\n  L14: {inputs: {close: 1}\nrecord: [L14.rsi]\n",
        ("W002", "5:1", "a bracket opened at line 4 is not closed here", "close it"),
    ),
    "open bracket at the end": (
        HEAD + "nodes:\n  a: {layer: sma, inputs: {close: 1}}\nrecord: [\n\n",
        ("W002", "7:1", "a bracket opened at line 5 is not closed here", "close it"),
    ),
    "open bracket before a list": (
        HEAD + "record: [a.x,\n  [b.y,\n  - c.z\n",
        ("W002", "5:3", "a bracket opened at line 4 is not closed here", "close it"),
    ),
    "bracket that closes nothing": (
        HEAD + "symbols: BTCUSDT]\nrecord: ]\n",
        ("W002", "4:9", "`]` closes nothing", "remove it"),
    ),
    "open quote": (
        HEAD + "name: 'x\n",
        ("W002", "4:1", "a quote opened at line 3 is not closed", "close it on the same line"),
    ),
    "odd first character": (
        HEAD + "name: @me\n",
        ("W002", "3:7", "a value cannot begin with `@`", "put the value in quotes"),
    ),
    "leading zero": (
        HEAD + "nodes:\n  L14: {inputs: {close: 1}, params: {window: 010}}\n",
        ("W002", "4:46", "`010`: a number has no leading zero", "drop the zero"),
    ),
    "two documents": (
        HEAD + "---\nclock: 1m\n",
        ("W002", "3:1", "a second document begins here", "remove the `---`"),
    ),
    "undefined alias": (
        HEAD + "nodes:\n  L14: {inputs: {close: *price}}\n",
        ("W004", "4:25", "the alias `*price}}` has no anchor above it", "define"),
    ),
    "anchor that contains itself": (
        HEAD + "nodes: &all\n  L14: *all\n",
        ("W004", "3:8", "an anchor contains itself", "write the value out"),
    ),
    "merge key": (
        HEAD + "nodes:\n  a: &a {layer: L14, inputs: {close: 1}}\n  b:\n    <<: *a\n",
        ("W004", "6:5", "merge keys (<<) are not supported", "put shared nodes in a file and include it"),
    ),
    "include missing": (
        HEAD + "include: [mroe.yaml]\n",
        ("W005", "3:11", "the included file `mroe.yaml` does not exist", "did you mean `more.yaml`?"),
    ),
    "include of a folder": (
        HEAD + "include: [sub]\n",
        ("W005", "3:11", "`sub` is a folder", "name each file"),
    ),
    "layer folder missing": (
        FEED + "layers: [nowhere]\n",
        ("W005", "5:10", "the folder of layers `nowhere` does not exist", "paths start at the folder of w.yaml"),
    ),
    "no format version": (
        "clock: 1m\nnodes: {L14: {inputs: {close: 1}}}\n",
        ("W008", "1:1", "the format version `stratoquant` is missing", "start the file with `stratoquant: 1`"),
    ),
    "unknown format version": (
        "stratoquant: 7\nclock: 1m\n",
        ("W008", "1:14", "the format version `stratoquant` is 7; this program reads version 1", "`stratoquant: 1`"),
    ),
    "unknown key": (
        HEAD + "nods:\n  L14: {inputs: {close: 1}}\n",
        ("W007", "3:1", "unknown key `nods`", "did you mean `nodes`?"),
    ),
    "unknown key of a node": (
        HEAD + "nodes:\n  L14: {input: {close: 1}}\n",
        ("W007", "4:9", "unknown key `input`", "did you mean `inputs`?"),
    ),
    "input in the wrong place": (
        FEED + "  L14: {close: feed.close}\n",
        ("W007", "5:9", "unknown key `close`", "inputs stand under `inputs: {close: feed.close}`"),
    ),
    "parameter in the wrong place": (
        FEED + "  L14: {inputs: {close: feed.close}, window: 14}\n",
        ("W007", "5:38", "unknown key `window`", "parameters stand under `params: {window: 14}`"),
    ),
    "node without a body": (
        HEAD + "nodes:\n  feed:\n",
        ("W007", "4:8", "`nodes.feed` must be a set of `key: value`, not empty", "write it as `nodes: {"),
    ),
    "symbols that are no list": (
        HEAD + "symbols: BTCUSDT\nnodes: {L14: {inputs: {close: 1}}}\n",
        ("W007", "3:10", "`symbols` must be a list, not `BTCUSDT`", "`symbols: [BTCUSDT, ETHUSDT]`"),
    ),
    "outputs that are neither": (
        HEAD + "outputs: some\nnodes: {L14: {inputs: {close: 1}}}\n",
        ("W007", "3:10", "`outputs` must be `all` or `used`, not `some`", "`outputs: used`"),
    ),
    "no clock": (
        "stratoquant: 1\nnodes: {L14: {inputs: {close: 1}}}\n",
        ("W007", "1:1", "the wiring has no `clock`", "`clock: 1m`"),
    ),
    "no nodes": (
        HEAD,
        ("W007", "1:1", "the wiring places no node", "add nodes under `nodes`"),
    ),
    "a list": ("- 1\n- 2\n", ("W007", "1:1", "a wiring is a set of keys", "write `key: value`")),
    "empty": ("", ("W002", "1:1", "the file is empty", "`stratoquant new wiring`")),
    "only comments": ("# nothing\n", ("W002", "1:1", "the file is empty", "`stratoquant new wiring`")),
    "override of an unknown node": (
        FEED + "override: {fed: {clock: 5m}}\n",
        ("W011", "5:12", "`override` names the node `fed`, which is not placed", "did you mean `feed`?"),
    ),
}
