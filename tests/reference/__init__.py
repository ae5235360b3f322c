"""Reference runs: wirings over the built-in market, whose statistics and digests lie beside this file.

    python -m tests.reference            compare, and print what differs
    python -m tests.reference --renew    after a deliberate change: write what the runs give now (`make reference`)

RUN.json holds statistics, which every machine must give to a relative 1e-9, and one digest per kind of processor: where
the kind of this machine is on record, the run must give the same bits.
"""
