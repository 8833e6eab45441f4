// Draw the page's Mermaid diagrams, in the colours of the page; draw them again when the colours change.
"use strict";

(() => {
  const figures = [...document.querySelectorAll("figure.diagram")];
  if (!figures.length) return;
  const source = new URL("mermaid.js", document.currentScript.src);
  const texts = figures.map((figure) => figure.querySelector("pre").textContent);
  const colours = () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");
  const fontFamily = getComputedStyle(document.body).fontFamily;
  const palettes = {
    light: {
      primaryColor: "#eaf2fb", primaryBorderColor: "#2b6cb0", primaryTextColor: "#1f2328", lineColor: "#57606a",
      edgeLabelBackground: "#ffffff", clusterBkg: "#f6f8fa", clusterBorder: "#8c959f", background: "#ffffff",
    },
    dark: {
      primaryColor: "#1f3247", primaryBorderColor: "#6ea8e0", primaryTextColor: "#e6edf3", lineColor: "#9ba7b3",
      edgeLabelBackground: "#121212", clusterBkg: "#1b2129", clusterBorder: "#6e7781", background: "#121212",
      darkMode: true,
    },
  };
  let drawn = "";
  let drawing = Promise.resolve();

  // Between two diagrams the reader gets a turn.
  const pause = () => new Promise((go) => (window.requestIdleCallback ?? setTimeout)(go, { timeout: 500 }));
  const draw = async (theme) => {
    if (theme === drawn) return;
    drawn = theme;
    const themeVariables = { ...palettes[theme], fontFamily };
    mermaid.initialize({ startOnLoad: false, securityLevel: "strict", maxTextSize: 100000, theme: "base", themeVariables });
    for (const [number, figure] of figures.entries()) {
      await pause();
      try {
        const { svg } = await mermaid.render(`diagram-${number}`, texts[number]);
        figure.innerHTML = svg;
        // One picture with one name (its accTitle), not a heap of shapes; Mermaid's own role is unknown to some readers.
        const picture = figure.querySelector("svg");
        picture.setAttribute("role", "img");
        // Not smaller than can be read: what does not fit then scrolls within the figure.
        picture.style.minWidth = `${Math.round(0.56 * picture.viewBox.baseVal.width)}px`;
        // A wide diagram scrolls within its figure, by keyboard, too.
        figure.tabIndex = 0;
        figure.setAttribute("role", "group");
        figure.setAttribute("aria-label", "Diagram");
      } catch (error) {
        // The text stays, which says the same less handsomely.
        document.querySelectorAll(`[id="ddiagram-${number}"]`).forEach((left) => left.remove());
        console.error(error);
      }
    }
    document.documentElement.dataset.diagrams = "drawn";
  };
  const queue = (theme) => (drawing = drawing.then(() => draw(theme)));
  const start = () => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => {
      queue(colours());
      new MutationObserver(() => queue(colours())).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    };
    document.head.append(script);
  };
  // Mermaid is larger than all the rest: the page can be read and used before it comes.
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
})();
