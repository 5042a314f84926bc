// Who is shut out sees that what they tapped is still there.
Taps.tapsOf(document.body.dataset.user).then((taps) => {
  const count = taps.filter((tap) => tap.state === "waiting").length;
  const place = document.querySelector("[data-kept-taps]");
  const what = count === 1 ? "1 tap is kept on this phone. It is" : `${count} taps are kept on this phone. They are`;
  place.textContent = `${what} sent by ${count === 1 ? "itself" : "themselves"} when you open your day again.`;
  place.hidden = count === 0;
});
