"""The catalogue as static HTML, made from the layers' own declarations."""
