"use strict";
// Puts the picture of the chain into the page, so that it has the page's colours, and plays what happened, once by
// itself when it is seen, and by a button. Who wants less motion sees how it ended.
(() => {
  const figure = document.currentScript.parentElement;
  const image = figure.querySelector("img");
  const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (letter) => letter.charCodeAt(0));
  const read = new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml");
  const svg = document.importNode(read.documentElement, true);
  svg.setAttribute("aria-label", image.alt);
  image.replaceWith(svg);

  const parts = [...svg.querySelectorAll("[data-at]")].map((part) => {
    const words = part.querySelector(".word");
    return { part, words, said: words?.textContent, at: Number(part.dataset.at) };
  });
  const length = Math.max(0, ...parts.map(({ at }) => at));
  const COUNTING = Math.min(600, length / 2); // milliseconds
  if (!length || matchMedia("(prefers-reduced-motion: reduce)").matches) return;

  function show(now) {
    for (const { part, words, said, at } of parts) {
      const share = Math.min(Math.max((now - at + COUNTING) / COUNTING, 0), 1);
      const counted = (number) => Math.round(number.replaceAll(",", "") * share).toLocaleString("en");
      const isCounting = share > 0 && /^\d/.test(said ?? "");
      part.toggleAttribute("data-wait", now < at && !isCounting);
      if (isCounting) words.textContent = share < 1 ? said.replace(/^[\d,]+/, counted) : said;
    }
  }

  let playing = 0;
  function play() {
    const mine = ++playing;
    let begin;
    requestAnimationFrame(function step(time) {
      begin ??= time;
      if (mine !== playing) return;
      show(time - begin);
      if (time - begin < length) requestAnimationFrame(step);
    });
  }

  const button = document.createElement("button");
  button.type = "button";
  button.textContent = figure.dataset.again;
  button.addEventListener("click", play);
  figure.append(button);
  const seen = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    seen.disconnect();
    play();
  });
  seen.observe(svg);
  addEventListener("beforeprint", () => {
    playing++;
    show(length);
  });
})();
