from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Q
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import conditional_page, require_GET, require_http_methods

from dispatch import actions
from dispatch.forms.customers import CustomerSearchForm, PointForm, SiteForm, customers_with_phone
from dispatch.models import Customer, Site
from dispatch.models.customers import phone_digits
from dispatch.views.way_back import way_back
from zones.models import ServiceZone

SEARCH_RESULTS = 8


@require_GET
@permission_required("dispatch.view_customer", raise_exception=True)
def customer_search(request):
    form = CustomerSearchForm(request.GET, prefix="customer")
    text, found = "", Customer.objects.none()
    if form.is_valid():
        text = form.cleaned_data["name"]
        match = Q(name__icontains=text) | Q(sites__address__icontains=text)
        if len(digits := phone_digits(text)) >= 4:
            match |= Q(phone_digits__contains=digits)
        found = Customer.objects.filter(match).distinct().prefetch_related("sites")[:SEARCH_RESULTS]
    return render(request, "dispatch/_customer_results.html", {"customers": found, "text": text})


@require_GET
@permission_required("dispatch.view_customer", raise_exception=True)
def phone_owners(request):
    """Who has this phone already: the duplicate check while a new customer is typed in."""
    owners = customers_with_phone(request.GET.get("customer-phone", ""))
    return render(request, "dispatch/_phone_owners.html", {"owners": owners, "create_anyway": False})


@require_GET
@permission_required("dispatch.view_customer", raise_exception=True)
def customer_sites(request, pk):
    customer = get_object_or_404(Customer, pk=pk)
    return render(request, "dispatch/_chosen_customer.html", {"customer": customer, "sites": customer.sites.all()})


@require_GET
@permission_required("dispatch.view_site", raise_exception=True)
def zone_at(request):
    """The zone of a point, in a word, while the pin is moved."""
    form = PointForm({"latitude": request.GET.get("site-latitude"), "longitude": request.GET.get("site-longitude")})
    zone = None
    if form.is_valid():
        zone_id = ServiceZone.objects.index().find(**form.cleaned_data)
        zone = ServiceZone.objects.filter(pk=zone_id).first()
    return render(request, "dispatch/_zone_at.html", {"zone": zone, "is_point": form.is_valid()})


@require_GET
@conditional_page  # boundaries may be megabytes and seldom change
@permission_required("zones.view_servicezone", raise_exception=True)
def zones_geojson(request):
    """The active zones' outlines, for maps."""
    zones = ServiceZone.objects.visible_to(request.user).active()
    features = [
        {
            "type": "Feature",
            "properties": {"pk": zone.pk, "name": zone.name, "colour": zone.colour},
            "geometry": zone.boundary,
        }
        for zone in zones
    ]
    return JsonResponse({"type": "FeatureCollection", "features": features})


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_site", raise_exception=True)
def edit_site(request, pk):
    """Address, pin and access notes of a place in the user's zones, or in none yet."""
    site = get_object_or_404(Site.objects.dispatchable_by(request.user), pk=pk)
    form = SiteForm(request.POST or None, instance=site, prefix="site", merging=True)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                site = actions.save_site(form.save(commit=False), fields=form.changed_data, by=request.user)
            except actions.ActionRefused as refused:
                form.add_error(None, refused.reason)
                status = 409
            else:
                where = f"lies in {site.zone}" if site.zone else "lies in no zone"
                where = where if site.has_location else "has no location"
                messages.success(request, f"{site.address} is saved; it {where}.")
                return redirect(way_back(request))
    context = {"form": form, "site": site, "back": way_back(request)}
    return render(request, "dispatch/edit_site.html", context, status=status)
