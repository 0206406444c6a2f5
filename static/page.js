/* Small comforts of every page; all pages work without them. */
(() => {
  const announce = (text) => {
    const place = document.getElementById("announcer");
    if (place) place.textContent = text;
  };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      announce("Your browser did not allow copying. Select the text instead.");
      return;
    }
    button.dataset.done = "";
    announce("Copied");
    setTimeout(() => delete button.dataset.done, 1600);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
})();
