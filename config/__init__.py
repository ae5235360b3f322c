"""Settings of a run as YAML, and the model that reads them. No behaviour lives here."""
