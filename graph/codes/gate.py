"""Pages of W042 to W049: orders that do not come through the risk gate, and gates that do not see what they should."""

from stratoquant.graph.codes.page import CodePage

GATE_PAGES = (
    CodePage(
        "W042",
        "way around the risk gate",
        "Every value that decides an order must come through the risk gate, so that its caps, vetoes and kill switch "
        "hold. Signals (kinematics, pattern, fusion, meta, rl, blocks, and every layer of your own) may not reach an "
        "order beside it, and the inputs of execution layers that carry the decision accept nothing else.",
        "override: {L96: {inputs: {slice_qty: L0.volume}}}",
        "override: {L96: {inputs: {slice_qty: L5.order_qty}}}  # L5 reads L4.target, and L4 the proposal",
        "Wire the proposal to L4 (risk_manager), and the order to what follows it.",
    ),
    CodePage(
        "W043",
        "gate without governor",
        "The gate obeys the governor: whether to trade, only close or flatten, and how large. A constant there, or a "
        "value of the step before, would let orders out when the governor says stop.",
        "nodes:\n  L4: {inputs: {trade: 1, ...}}",
        "nodes:\n  L4: {inputs: {trade: L95.trade, close_only: L95.close_only, ...}}",
        "Wire trade, close_only, flatten and scale of L4 to the ports of the same name of L95.",
    ),
    CodePage(
        "W044",
        "order from elsewhere than the gate",
        "Each port of an order is an output of the risk gate, or of a shipped execution layer behind it. A constant, "
        "a source or another layer has passed no limit. Numbers may stand for valid (1), post_only (0 or 1), kind "
        "(0), ttl (any) and command (0).",
        """
        nodes:
          L14: {inputs: {close: 100}}
        record: [L14.rsi]
        orders: {side: 1, qty: 1}
        """,
        """
        nodes:
          L14: {inputs: {close: 100}}
        record: [L14.rsi]
        """,
        "Wire the port to L4 (risk_manager) or to L5, L69, L89, L96 or L97 behind it.",
    ),
    CodePage(
        "W045",
        "input of another origin",
        "Some inputs must come from one place: the account, the operator, the clock, the feed or one layer. A gate "
        "that is given a constant in place of the position limits nothing. `stratoquant layers L4` lists the origin "
        "of each input and the numbers that may stand in its place.",
        """
        nodes:
          L80: {inputs: {equity: 100000}}
        record: [L80.scale]
        """,
        """
        nodes:
          L80: {inputs: {equity: account.equity}}
        record: [L80.scale]
        """,
        "Wire the input to the port that the message names.",
    ),
    CodePage(
        "W046",
        "orders placed twice",
        "Two files of the wiring have `orders`. The second would silently replace the first, and with it the path "
        "through the gate that the first one has.",
        "include: [minimal_risk.yaml]\norders: {side: L5.order_side, qty: L5.order_qty}",
        "include: [minimal_risk.yaml]\noverride: {orders: {qty: L5.order_qty}}",
        "Remove one of them. Write what must differ as `override: {orders: {...}}`.",
    ),
    CodePage(
        "W047",
        "role claimed by a layer of your own",
        "The roles of gate and governor belong to shipped layers, whose limits are tested. A layer of your own is a "
        "signal: it proposes, and L4 decides.",
        '@layer(None, "my_gate", domain="risk", source="me", role="gate")',
        '@layer(None, "my_gate", domain="risk", source="me")',
        "Remove `role` from the layer, and wire its output to L4 (risk_manager).",
    ),
    CodePage(
        "W048",
        "layer that is already there",
        "A file in a folder of your own has the number or the name of another layer. It would replace that layer "
        "without a word wherever a wiring names it.",
        "layers: [mine]  # with mine/risk/l4_risk_manager.py",
        "layers: [mine]  # with mine/risk/l104_my_limits.py",
        "Give the file, and the declaration in it, a number above 100 or a name that is free.",
    ),
    CodePage(
        "W049",
        "gate that does not see every order",
        "There is one risk gate, and it steps at every bar, as do the execution layers behind it. Two gates would each "
        "allow the whole account; a slow one would limit the orders of now by the account of then.",
        "override: {L4: {clock: 15m}}",
        "override: {signal: {clock: 15m}}",
        "Keep one L4, without a `clock`. Proposals may step on any clock.",
    ),
)
