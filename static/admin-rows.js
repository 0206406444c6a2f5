/* Rows of the editor's forms: added, moved up and down, and counted, without asking the server.
   Without this script the same buttons and numbers work through the server. */
(() => {
  const say = (text) => {
    const place = document.getElementById("announcer");
    if (place) place.textContent = text;
  };
  const rowsOf = (list) => [...list.children].filter((child) => child.matches("[data-row]"));
  const own = (row, name) => row.querySelector(`:scope > .row-tools [name$="-${name}"]`);
  const number = (list) => {
    rowsOf(list).forEach((row, index) => {
      const position = own(row, "ORDER");
      if (position) position.value = index + 1;
      row.querySelector("[data-number]").textContent = index + 1;
    });
  };

  const add = (button) => {
    const section = button.closest("[data-rows]");
    const total = section.querySelector(`:scope > [name="${section.dataset.rows}-TOTAL_FORMS"]`);
    const count = Number(total.value);
    if (count >= Number(section.dataset.most)) {
      say(`At most ${section.dataset.most} rows can be edited here.`);
      return;
    }
    const template = section.querySelector(":scope > template");
    const holder = document.createElement("template");
    holder.innerHTML = template.innerHTML.replaceAll(section.dataset.placeholder, count);
    const list = section.querySelector(":scope > [data-list]");
    list.append(holder.content);
    total.value = count + 1;
    number(list);
    const row = list.lastElementChild;
    row.querySelector("details :is(input, select, textarea)").focus();
  };

  const move = (row, to) => {
    const list = row.parentElement;
    const rows = rowsOf(list);
    const from = rows.indexOf(row);
    const place = Math.max(0, Math.min(rows.length - 1, to));
    if (place !== from) list.insertBefore(row, place > from ? rows[place].nextSibling : rows[place]);
    number(list);
    say(`Now at position ${place + 1} of ${rows.length}`);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add], [data-up], [data-down]");
    if (!button) return;
    if (button.matches("[data-add]")) {
      event.preventDefault();
      add(button);
      return;
    }
    const row = button.closest("[data-row]");
    const index = rowsOf(row.parentElement).indexOf(row);
    move(row, button.matches("[data-up]") ? index - 1 : index + 1);
    button.focus();
  });

  document.addEventListener("change", (event) => {
    const row = event.target.name?.endsWith("-ORDER") ? event.target.closest("[data-row]") : null;
    if (row) move(row, Number(event.target.value) - 1);
  });
})();
