// The job page refreshes when its own job changes, unless a note is being written.
(() => {
  const job = Number(document.getElementById("job-content").dataset.job);
  document.body.addEventListener("live-jobs", (event) => {
    if (event.detail.jobs.includes(job)) document.body.dispatchEvent(new CustomEvent("job-changed"));
  });
})();
