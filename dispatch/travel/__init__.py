"""How long it takes to get from one place to another.

Pure but for `configured.py`, which builds what the settings ask for, and `known_legs.py`, which keeps what was told.
"""

from dispatch.travel.great_circle import Hours, StraightLine
from dispatch.travel.places import Leg, Place, Travel, TravelMatrix, TravelTimes

__all__ = ["Hours", "Leg", "Place", "StraightLine", "Travel", "TravelMatrix", "TravelTimes"]
