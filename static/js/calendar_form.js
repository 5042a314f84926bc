// A business calendar's form: the states and regions offered are those of the chosen country.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const region = document.querySelector("select[data-regions]");
  const country = region && document.getElementById(region.dataset.country);
  if (!country) return;
  const regions = JSON.parse(region.dataset.regions);
  const wholeCountry = region.options[0];

  country.addEventListener("change", () => {
    const offered = regions[country.value] ?? [];
    region.replaceChildren(wholeCountry, ...offered.map(([code, name]) => new Option(name, code)));
    region.value = "";
  });
});
