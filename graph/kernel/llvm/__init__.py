"""Functions of the intermediate representation as LLVM IR, and as machine code."""
