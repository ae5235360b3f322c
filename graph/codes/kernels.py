"""Pages of K001 to K019: what a kernel may not do. The examples are bodies of a step with s, p and a price `x`."""

from stratoquant.graph.codes.page import CodePage

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
    CodePage(
        "K010",
        "unknown field",
        "Memory, parameters, a model and the market event have the fields that are declared for them; the output tuple "
        "has the fields of its class. Machine code has no others.",
        "s.totl = x\nreturn Out(x)",
        "s.total = x\nreturn Out(x)",
        "Correct the name, or declare the field.",
    ),
    CodePage(
        "K011",
        "value of the wrong kind",
        "Arithmetic and comparisons take numbers; brackets follow an array, and an index is a whole number. An array "
        "or a nested memory is neither a number nor replaced as a whole.",
        "return Out(s.recent * x)",
        "return Out(s.recent[0] * x)",
        "Read one element or field, or convert a fraction with int(...).",
    ),
    CodePage(
        "K012",
        "wrong number of values",
        "A kernel, a function of math and the output tuple take as many values as they declare, and kernels take them "
        "by position.",
        "return Out(x, 0.0)",
        "return Out(x)",
        "Give each argument and each output once.",
    ),
    CodePage(
        "K013",
        "local without a value",
        "On some path to this line nothing has been assigned to the name: in the branch that was not taken, or in a "
        "loop that did not run. Python would stop there; machine code would go on with whatever the register holds.",
        "if x > 1.0:\n    y = x\nreturn Out(y)",
        "y = 1.0\nif x > 1.0:\n    y = x\nreturn Out(y)",
        "Assign a first value before the branch or the loop.",
    ),
    CodePage(
        "K014",
        "step without its outputs",
        "Each path through a step ends with `return Out(...)`, and each path through a kernel that returns a value "
        "returns one of the same kind. A missing output is nan.",
        "if x > 1.0:\n    return Out(x)",
        "if x > 1.0:\n    return Out(x)\nreturn Out(nan)",
        "End each path with a `return`.",
    ),
    CodePage(
        "K015",
        "output outside its port's range",
        "The type of an output says which values it has: a side is -1, 0 or 1, a price is above 0, and none is "
        "infinite. What reads it relies on that. A value that the source shows is found by the check; any other stops "
        "the backtest at the bar where it first occurs.",
        "return Out(inf)",
        "return Out(nan if x == 0.0 else 1.0 / x)",
        "Return nan for a missing value, limit the value, or declare the output with a type that has this range.",
    ),
    CodePage(
        "K016",
        "division by 0",
        "The divisor is 0 whatever the market does, so the result is infinite or missing at every bar.",
        "return Out(x / 0.0)",
        "return Out(x / 2.0)",
        "Divide by another number.",
    ),
    CodePage(
        "K017",
        "element that is not there",
        "The index lies outside the array; a negative one does not count from the end. An index that the source shows "
        "is found by the check. Any other, in a layer of your own, stops the backtest: what it read was missing, what "
        "it wrote was dropped, and no other memory was touched.",
        "return Out(s.recent[4])",
        "return Out(s.recent[3])",
        "Correct the index, or declare a larger array.",
    ),
    CodePage(
        "K018",
        "declaration of a layer",
        "Memory, parameters and model are the first arguments of a step, in this order, and every argument has a type. "
        "Fields of a State are float, int, Array or another State; a parameter is a number with bounds; warm-up and "
        "sizes follow from the parameters.",
        "class Memory(State):\n    name: str = ''",
        "class Memory(State):\n    count: int = 0",
        "Correct the declaration at the line named.",
    ),
    CodePage(
        "K019",
        "no machine code for this line",
        "The check found nothing, but the compiler has no machine code for an expression: mostly because a kernel has "
        "arguments without a type, so that nothing is known of what it is given.",
        "@kernel\ndef double(x):\n    return x + x\n\n\ndouble(s.recent)",
        "@kernel\ndef double(x: float) -> float:\n    return x + x\n\n\ndouble(s.recent[0])",
        "Give every argument of the kernel a type, and check again.",
    ),
)
