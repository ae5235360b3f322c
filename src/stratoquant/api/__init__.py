"""The Python API. `import stratoquant` shows all of it; each module loads what it needs when it is used."""
