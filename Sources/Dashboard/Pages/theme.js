/** Light, dark, or what the system prefers; the choice is kept in this browser. */

const key = "quantumharmony-theme";

function stored() {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage may be forbidden: the choice then lasts as long as the page.
  }
}

function store(value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}

/** @param select the element to choose with; @param changed called when other colours are in force */
export function startTheme(select, changed) {
  const apply = (value) => {
    if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
  };
  const initial = stored();
  select.value = initial === "light" || initial === "dark" ? initial : "system";
  apply(select.value);
  select.addEventListener("change", () => {
    apply(select.value);
    store(select.value);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
