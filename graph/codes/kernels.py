"""Pages of K001 to K009: what a kernel may not do. The examples are bodies of a step with s, p and a price `x`."""

from graph.codes.page import CodePage

KERNEL_PAGES = (
    CodePage(
        "K001",
        "arguments of a kernel",
        "Each argument is a memory, a parameter set, a port or a number, given by position. Defaults and stars have "
        "no place in the compiled call.",
        "def step(s: Memory, p: Params, x: Real = 0.0) -> Out:\n    return Out(x)",
        "def step(s: Memory, p: Params, x: Real) -> Out:\n    return Out(x)",
        "Write plain arguments; make a default a parameter of the layer, an absent input an Opt port.",
    ),
    CodePage(
        "K002",
        "statement outside the language",
        "A kernel runs as machine code and as Pine, where there are no exceptions, contexts, imports or classes.",
        "try:\n    y = 1.0 / x\nexcept ZeroDivisionError:\n    y = 0.0\nreturn Out(y)",
        "y = 1.0 / x if x != 0.0 else 0.0\nreturn Out(y)",
        "Use assignments, if, for over range, while, break, continue, return.",
    ),
    CodePage(
        "K003",
        "expression outside the language",
        "Lists, dictionaries, comprehensions, text, lambdas, `in` and `is` allocate memory or have no twin in Pine.",
        "return Out(sum([x, s.total]))",
        "return Out(x + s.total)",
        "Use numbers, comparisons and arithmetic; keep arrays in the State.",
    ),
    CodePage(
        "K004",
        "loop that is not over range",
        "A loop must run a number of times that can be seen: one index over range(...).",
        "y = 0.0\nfor value in s.recent:\n    y += value\nreturn Out(y)",
        "y = 0.0\nfor k in range(len(s.recent)):\n    y += s.recent[k]\nreturn Out(y)",
        "Loop over indices and subscript the array.",
    ),
    CodePage(
        "K005",
        "call of something else",
        "A step calls kernels, functions of math and a few built-ins. Anything else could read a clock, a file or a "
        "random number, and two runs would differ.",
        "print(x)\nreturn Out(x)",
        "return Out(abs(x))",
        "Call a primitive, mark your own function with @kernel, or write the rule out.",
    ),
    CodePage(
        "K006",
        "name from elsewhere",
        "A kernel sees its arguments, its own names, numbers at module level and kernels. Other globals can change "
        "while it runs.",
        "return Out(x * factor)",
        "factor = 2.0\nreturn Out(x * factor)",
        "Pass the value in as a parameter, or make it a number in capitals at module level.",
    ),
    CodePage(
        "K007",
        "attribute of something else",
        "Dots read fields of the arguments only: s.field, p.field. The compiled step has no modules and no objects.",
        "y = x\nreturn Out(y.real)",
        "return Out(s.total)",
        "Import functions of math by name; keep values in fields of the State.",
    ),
    CodePage(
        "K008",
        "parameter or fitted number written",
        "Parameters are set in the wiring, the numbers of a model in its file, and both stay as they are for the whole "
        "run; only then does a run mean what its wiring says.",
        "p.window = 5\nreturn Out(x)",
        "s.total = 5.0\nreturn Out(x)",
        "Keep what changes in the memory s.",
    ),
    CodePage(
        "K009",
        "index below 0",
        "An array is read from its front. An index below 0 is another element in Python, none in machine code, and "
        "an error on a chart.",
        "return Out(s.recent[-1])",
        "return Out(s.recent[len(s.recent) - 1])",
        "Count from the front.",
    ),
)
