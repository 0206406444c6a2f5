/* Loaded before first paint, so that a stored choice never flashes the other theme.
   A choice equal to the system's is forgotten: the page then follows the system again. */
(() => {
  const KEY = "charter-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  const stored = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const store = (theme) => {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      else localStorage.removeItem(KEY);
    } catch { /* private mode: the choice lasts for this page */ }
  };
  const systemTheme = () => (system.matches ? "dark" : "light");
  const current = () => root.dataset.theme || systemTheme();

  const apply = (theme) => {
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
    else delete root.dataset.theme;
    document.dispatchEvent(new Event("themechange"));
  };
  const label = () => {
    const other = current() === "dark" ? "light" : "dark";
    document.querySelectorAll("[data-theme-toggle]").forEach((button) => {
      button.setAttribute("aria-label", `Switch to ${other} theme`);
      button.title = `Switch to ${other} theme`;
    });
  };
  const toggle = () => {
    const next = current() === "dark" ? "light" : "dark";
    const choice = next === systemTheme() ? null : next;
    store(choice);
    apply(choice);
  };

  root.classList.add("js");
  apply(stored());
  system.addEventListener("change", () => document.dispatchEvent(new Event("themechange")));
  document.addEventListener("themechange", label);
  document.addEventListener("DOMContentLoaded", () => {
    label();
    document.querySelectorAll("[data-theme-toggle]").forEach((button) => button.addEventListener("click", toggle));
  });
})();
