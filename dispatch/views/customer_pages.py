"""The list of customers and the page of one."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from dispatch import actions
from dispatch.csv_files import csv_response
from dispatch.customer_list import (
    COLUMNS,
    CustomerForm,
    customer_context,
    load_customers,
    rows_of_export,
    with_sites,
)
from dispatch.models import Customer


@require_GET
@permission_required("dispatch.view_customer", raise_exception=True)
def customers(request):
    template = "dispatch/customers.html"
    if request.htmx.target == "customer-list":
        template += "#list"
    return render(request, template, {"found": load_customers(request)})


@require_GET
@permission_required("dispatch.view_customer", raise_exception=True)
def export_customers(request):
    """The list as it is narrowed, all its pages."""
    name = f"customers-{timezone.localdate():%Y-%m-%d}.csv"
    return csv_response(request, COLUMNS, rows_of_export(request), name=name)


@require_GET
@permission_required("dispatch.view_customer", raise_exception=True)
def customer(request, pk):
    found = get_object_or_404(with_sites(Customer.objects.all()), pk=pk)
    return render(request, "dispatch/customer.html", customer_context(request.user, found))


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_customer", raise_exception=True)
def edit_customer(request, pk):
    found = get_object_or_404(Customer, pk=pk)
    name = found.name
    form = CustomerForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        if form.changed_data:
            actions.save_customer(form.save(commit=False), fields=form.changed_data, by=request.user)
        messages.success(request, f"{found.name} is saved.")
        return redirect("customer", pk)
    context = {"form": form, "customer": found, "name": name}
    return render(request, "dispatch/edit_customer.html", context, status=422 if form.errors else 200)
