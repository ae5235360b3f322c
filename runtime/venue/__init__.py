"""x"""
from runtime.venue.settings import FRICTIONLESS, VenueSettings
from runtime.venue.simulator import SIMULATED, close_out
