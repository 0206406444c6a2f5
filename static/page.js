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

  /* Lineage drawings open at the version that they are about, and can be made smaller and larger. */
  const MOST = 3, LEAST = 0.2;
  const canvas = (place) => {
    const view = place.querySelector(".view");
    const graph = place.querySelector("svg.graph");
    const { width, height } = graph.viewBox.baseVal;
    const scale = (factor) => {
      const size = Math.min(MOST, Math.max(LEAST, factor));
      graph.setAttribute("width", width * size);
      graph.setAttribute("height", height * size);
    };
    const now = () => graph.getBoundingClientRect().width / width;
    place.addEventListener("click", (event) => {
      const button = event.target.closest("[data-zoom]");
      if (!button) return;
      const factor = button.dataset.zoom === "fit" ? view.clientWidth / width : now() * Number(button.dataset.zoom);
      scale(factor);
    });
    const here = graph.querySelector("[data-here]");
    if (!here) return;
    const box = here.getBoundingClientRect(), frame = view.getBoundingClientRect();
    view.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
    view.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
  };
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-canvas]").forEach(canvas));
})();
