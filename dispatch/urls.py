from django.urls import path

from dispatch.views import board_list, customers, jobs, phone, reports, technicians, transitions

urlpatterns = [
    path("board/", board_list.board_list, name="board"),  # until lanes
    path("board/list/", board_list.board_list, name="board_list"),
    path("board/rows/", board_list.board_rows, name="board_rows"),
    path("jobs/new/", jobs.new_job, name="new_job"),
    path("jobs/new/type/", jobs.job_type_defaults, name="job_type_defaults"),
    path("jobs/<int:pk>/", jobs.job_page, name="job"),
    path("jobs/<int:pk>/drawer/", jobs.job_drawer, name="job_drawer"),
    path("jobs/<int:pk>/edit/", jobs.edit_job, name="edit_job"),
    path("jobs/<int:pk>/note/", jobs.add_note, name="add_note"),
    path("jobs/<int:pk>/assign/", transitions.assign_job, name="assign_job"),
    path("jobs/<int:pk>/status/", transitions.change_status, name="change_status"),
    path("jobs/<int:pk>/hold/", transitions.hold_job, name="hold_job"),
    path("customers/search/", customers.customer_search, name="customer_search"),
    path("customers/phone/", customers.phone_owners, name="phone_owners"),
    path("customers/<int:pk>/sites/", customers.customer_sites, name="customer_sites"),
    path("sites/<int:pk>/", customers.edit_site, name="edit_site"),
    path("zones/at/", customers.zone_at, name="zone_at"),
    path("zones/geojson/", customers.zones_geojson, name="zones_geojson"),
    path("technicians/", technicians.technicians, name="technicians"),
    path("my-day/", phone.phone, name="phone"),
    path("my-day/duty/", phone.change_duty, name="change_duty"),
    path("my-day/jobs/<int:pk>/", phone.phone_job, name="phone_job"),
    path("my-day/jobs/<int:pk>/step/", phone.take_step, name="take_step"),
    path("my-day/jobs/<int:pk>/note/", phone.phone_note, name="phone_note"),
    path("reports/finances/", reports.financial_report, name="financial_report"),
]
