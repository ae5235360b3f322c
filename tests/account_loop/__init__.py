"""The account loop, from a proposal to the venue and back, driven by hostile markets and made-up opinions."""
