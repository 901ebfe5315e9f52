/** The colours of the page: as the system says, light, or dark. The choice is kept in this browser. */

const KEY = "aez-theme";
const CHOICES = ["system", "light", "dark"];

/** @param {HTMLButtonElement} button changes to the next choice */
export function theme(button) {
  let choice = stored();
  const apply = () => {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    button.setAttribute("aria-label", `Colours: ${choice === "system" ? "as the system" : choice}`);
  };
  button.addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // storage is off: the choice holds until the page is closed
    }
    apply();
  });
  apply();
}

function stored() {
  try {
    const found = localStorage.getItem(KEY);
    return CHOICES.includes(found) ? found : "system";
  } catch {
    return "system";
  }
}
