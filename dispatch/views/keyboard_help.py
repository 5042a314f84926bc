from django.contrib.auth.decorators import permission_required
from django.shortcuts import render
from django.views.decorators.http import require_GET

KEYS = [
    (
        "Everywhere",
        [
            ("Ctrl K", "Find a job, a customer or a command"),
            ("?", "This help"),
            ("G D", "Dashboard"),
            ("G B", "Board"),
            ("G L", "List"),
            ("G C", "Calendar"),
            ("G M", "Map"),
            ("G S", "SLA"),
            ("Esc", "Close what is open"),
        ],
    ),
    (
        "On the board",
        [
            ("/", "Search"),
            ("N", "New job"),
            ("T", "Today"),
            ("Shift A", "Auto-Assign all that nobody has"),
            ("P", "Plan the day of those who are shown"),
            ("← →", "The day before, the day after"),
            ("J K", "Next job, previous job"),
            ("Enter", "Open the job"),
            ("Ctrl A", "Select all on this page of the list"),
            ("L", "Select an area of the map"),
            ("R", "Optimize the route of whoever has the job"),
            ("Ctrl Z", "Undo"),
            ("Ctrl Shift Z", "Do it again"),
        ],
    ),
    (
        "On a job",
        [
            ("A Enter", "Assign to the best match"),
            ("Y", "Confirm what is suggested for it"),
            ("1 2 3 4", "Low, normal, high, urgent"),
            ("H", "Put on hold, or release"),
            ("Del", "Cancel"),
            ("I", "Show its card; Esc hides it"),
            ("X", "Select it, for several at once"),
            ("Shift F10", "All that can be done with it"),
            ("Space", "Pick it up"),
            ("← → ↑ ↓", "Move what is picked up to another time or lane"),
            ("Enter", "Drop it there"),
            ("Esc", "Put it back"),
        ],
    ),
    (
        "On a proposed route",
        [
            ("A", "Apply it"),
            ("D", "Discard it"),
            ("Alt ↑ ↓", "This stop earlier or later"),
            ("Ctrl Z", "Take the move back, or the whole route once it is applied"),
        ],
    ),
]


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def keyboard_help(request):
    template = "dispatch/keyboard_help.html"
    return render(request, f"{template}#dialog" if request.htmx else template, {"groups": KEYS})
