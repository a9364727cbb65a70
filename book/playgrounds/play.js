/* What the playgrounds share. Each registers itself; DLPlay keeps what the tests call. */
window.DLPlay = (function () {
  "use strict";
  var redraws = [];

  function bytes(text) {
    var binary = atob(text), array = new Uint8Array(binary.length);
    for (var i = 0; i < binary.length; i++) array[i] = binary.charCodeAt(i);
    return array;
  }

  function colour(name) {
    return getComputedStyle(document.body).getPropertyValue(name).trim();
  }

  function isDark() {
    var theme = document.body.dataset.theme;
    return theme === "dark" || (theme !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  }

  /* red, green, blue for a value from -1 (blue) over 0 (the background) to 1 (orange). */
  function diverging(value, dark) {
    var middle = dark ? [26, 31, 36] : [255, 255, 255];
    var end = value < 0 ? (dark ? [92, 170, 240] : [20, 92, 160]) : (dark ? [250, 160, 80] : [200, 80, 0]);
    var t = Math.min(1, Math.abs(value));
    return middle.map(function (m, i) { return Math.round(m + (end[i] - m) * t); });
  }

  function start(name, begin) {
    document.querySelectorAll('[data-play="' + name + '"]').forEach(function (section) {
      var redraw = begin(section, function (selector) { return section.querySelector(selector); });
      if (redraw) redraws.push(redraw);
      section.dataset.ready = "true";
    });
  }

  function themeChanged() { redraws.forEach(function (redraw) { redraw(); }); }

  new MutationObserver(themeChanged).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);

  return {
    bytes: bytes,
    floats: function (text) { return new Float32Array(bytes(text).buffer); },
    colour: colour,
    isDark: isDark,
    diverging: diverging,
    start: start,
    still: function () { return window.matchMedia("(prefers-reduced-motion: reduce)").matches; },
    percent: function (p) { return p >= 0.9995 ? "100%" : p >= 0.0995 ? (100 * p).toFixed(1) + "%" : p >= 0.0001 ? (100 * p).toFixed(2) + "%" : p > 0 ? "<0.01%" : "0%"; },
  };
})();
