// Practice questions: compare what was chosen with the form's data-key, and show the reasons that stand in the page.
"use strict";

for (const form of document.querySelectorAll("form.practice")) {
  const verdict = form.querySelector(".practice-verdict");
  const again = form.querySelector(".practice-again");
  const fields = [...form.querySelectorAll("input")];
  const options = [...form.querySelectorAll(".practice-option")];

  const say = (text, state) => {
    verdict.textContent = text;
    verdict.dataset.state = state;
  };
  const clear = () => {
    say("", "");
    again.hidden = true;
    for (const option of options) {
      delete option.dataset.state;
      option.querySelector(".practice-reason").hidden = true;
    }
  };
  const explain = (option, state) => {
    option.dataset.state = state;
    option.querySelector(".practice-reason").hidden = false;
  };

  // A number: right within the tolerance; a decimal comma and spaces or commas between thousands are understood.
  const number = () => {
    const typed = fields[0].value.replace(/\s/g, "");
    const plain = /^[+-−]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(typed) ? typed.replaceAll(",", "") : typed.replace(",", ".");
    const value = Number(plain.replace("−", "-"));
    if (!typed || !Number.isFinite(value)) {
      say(typed ? "That is not a number." : "Type a number first.", "incomplete");
      return fields[0].focus();
    }
    const right = Math.abs(value - Number(form.dataset.key)) <= Number(form.dataset.tolerance) + 1e-9;
    explain(options[0], right ? "right" : "wrong");
    say(right ? "Right." : "Not right.", right ? "right" : "wrong");
  };

  // Letters: everything chosen gets its reason; once all is right, everything does.
  const letters = () => {
    const key = form.dataset.key.split(" ");
    const chosen = fields.filter((field) => field.checked).map((field) => field.value);
    if (!chosen.length) {
      say("Choose an answer first.", "incomplete");
      return fields[0].focus();
    }
    const hits = chosen.filter((letter) => key.includes(letter)).length;
    const right = hits === key.length && chosen.length === key.length;
    fields.forEach((field, place) => {
      const state = key.includes(field.value) ? "right" : field.checked ? "wrong" : "other";
      if (right || field.checked) explain(options[place], state);
    });
    if (right) say("Right.", "right");
    else if (form.dataset.kind === "single") say("Not right. Choose again.", "wrong");
    else say(`${hits} of ${key.length} right ones ticked, ${chosen.length - hits} wrong.`, "wrong");
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clear();
    if (form.dataset.kind === "numeric") number();
    else letters();
    again.hidden = verdict.dataset.state === "incomplete";
  });
  form.addEventListener("reset", () => {
    clear();
    fields[0].focus();
  });
}
