"""From a target position to an order that the venue takes, and the record of what was decided."""
