from technicians.models.attendance import Break, ClockRecord, OnCall, TimeOff, Weekday, WorkingHours
from technicians.models.feeds import CalendarFeed
from technicians.models.people import Proficiency, Skill, Technician, TechnicianSkill, coordinates_check
from technicians.models.tracking import Device, Position, TrackView

__all__ = [
    "Break",
    "CalendarFeed",
    "ClockRecord",
    "Device",
    "OnCall",
    "Position",
    "Proficiency",
    "Skill",
    "Technician",
    "TechnicianSkill",
    "TimeOff",
    "TrackView",
    "Weekday",
    "WorkingHours",
    "coordinates_check",
]
