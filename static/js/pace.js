// How long a screen that shows live changes rests between two questions: after an answer as long as it took, while more
// keeps coming up to REST times as long. A busy server gets fewer requests with more in each, and what happens once is
// shown at once.
window.Pace = class {
  #inARow = 0; // rests after which something was waiting already

  // Milliseconds, after an answer that took so many.
  restAfter(took) {
    const REST = 5;
    const REST_MAX_MS = 4000;
    return Math.min(REST_MAX_MS, took * Math.min(REST, 1 + this.#inARow) * (0.5 + Math.random()));
  }

  rested(isMoreWaiting) {
    this.#inARow = isMoreWaiting ? this.#inARow + 1 : 0;
  }
};
