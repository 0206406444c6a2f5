/* Rating by keyboard: 1 to 5 choose an answer, Enter sends it; a skip goes to its reason first. The form works without it. */
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("[data-rating]");
  if (!form) return;
  const reason = form.elements.reason;
  const chosen = () => form.querySelector("[data-key]:checked");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input[type=search], textarea")) return;
    const choice = form.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (choice) {
      choice.checked = true;
      (choice.value === "skip" ? reason : choice).focus();
      event.preventDefault();
    } else if (event.key === "Enter" && chosen() && !event.target.closest("a, button, summary")) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
});
