// Objectives that a reader ticks stay ticked on this machine; paper gets the light colours; search works from files.
"use strict";

// A page opened as a file may not fetch the pages it found, to show a piece of them: then their titles must do.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

{
  const name = `ticked:${document.title}`;
  const boxes = [...document.querySelectorAll("input.task-list-item-checkbox")];
  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(name)) ?? [];
    } catch {
      return []; // storage that is switched off or holds something else: nothing is ticked
    }
  };
  const ticked = read();
  boxes.forEach((box, place) => {
    box.checked = ticked.includes(place);
    box.addEventListener("change", () => {
      try {
        localStorage.setItem(name, JSON.stringify(boxes.flatMap((other, index) => (other.checked ? [index] : []))));
      } catch {
        // the tick is there for this visit
      }
    });
  });

  const page = document.documentElement;
  let shown;
  window.addEventListener("beforeprint", () => {
    shown = page.dataset.theme;
    page.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => (page.dataset.theme = shown));
}
