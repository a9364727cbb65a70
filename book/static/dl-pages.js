/* The roadmap's map and panel, the filters of the results and the glossary. */
(function () {
  "use strict";

  function roadmap(box) {
    var course = window.DL_COURSE;
    var byId = new Map(course.lessons.map(function (lesson) { return [lesson.id, lesson]; }));
    var nodes = Array.from(box.querySelectorAll(".dl-node"));
    var paths = Array.from(box.querySelectorAll(".dl-edges path"));
    var panel = box.querySelector(".dl-map-panel");
    var hint = panel.innerHTML;
    var chosen = "";

    function before(id) {
      var found = new Set(), waiting = [id];
      while (waiting.length) byId.get(waiting.pop()).needs.forEach(function (need) {
        if (!found.has(need)) { found.add(need); waiting.push(need); }
      });
      return found;
    }

    function after(id) {
      return course.lessons.filter(function (lesson) { return lesson.needs.includes(id); });
    }

    function part(tag, text, kind) {
      var element = document.createElement(tag);
      element.textContent = text;
      if (kind) element.className = kind;
      return element;
    }

    function explain(lesson, needed, following) {
      var title = part("p", lesson.title, "dl-panel-title");
      var state = lesson.ready ? "執行不超過 " + lesson.minutes + " 分鐘" : "規劃中";
      title.append(part("small", lesson.module + "・" + state));
      var why = part("p", "", "dl-panel-why");
      var names = lesson.needs.map(function (need) { return byId.get(need).short; });
      why.append(part("b", "先備："), part("span", names.join("、") || "不需要，從這裡開始"));
      if (needed.size > lesson.needs.length) why.append("（連同更前面的，共 " + needed.size + " 課）");
      if (following.length) {
        why.append("　", part("b", "學完可以接：", "dl-warm"),
          part("span", following.map(function (next) { return next.short; }).join("、")));
      }
      panel.replaceChildren(title, part("p", lesson.summary), why);
      if (lesson.ready) {
        var open = part("a", "開啟這一課");
        open.href = lesson.id + ".html";
        why.append("　", open);
      }
    }

    function show(id) {
      if (chosen === id) return;
      chosen = id;
      var needed = before(id), following = after(id);
      var ids = following.map(function (lesson) { return lesson.id; });
      box.classList.add("dl-active");
      nodes.forEach(function (node) {
        var name = node.dataset.id;
        node.classList.toggle("dl-chosen", name === id);
        node.classList.toggle("dl-needed", needed.has(name));
        node.classList.toggle("dl-following", ids.includes(name));
      });
      paths.forEach(function (path) {
        var to = path.dataset.to, from = path.dataset.from;
        path.classList.toggle("dl-on", to === id || (needed.has(to) && needed.has(from)));
        path.classList.toggle("dl-next", from === id);
      });
      explain(byId.get(id), needed, following);
    }

    function clear() {
      chosen = "";
      box.classList.remove("dl-active");
      nodes.forEach(function (node) { node.classList.remove("dl-chosen", "dl-needed", "dl-following"); });
      paths.forEach(function (path) { path.classList.remove("dl-on", "dl-next"); });
      panel.innerHTML = hint;
    }

    function step(from, key) {
      var here = from.getBoundingClientRect();
      var sideways = key === "ArrowLeft" || key === "ArrowRight";
      var sign = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
      var best = null, least = Infinity;
      nodes.forEach(function (node) {
        var there = node.getBoundingClientRect();
        if (node === from || !there.width) return;
        var dx = there.left + there.width / 2 - here.left - here.width / 2;
        var dy = there.top + there.height / 2 - here.top - here.height / 2;
        var along = sign * (sideways ? dx : dy), across = Math.abs(sideways ? dy : dx);
        if (along < 4) return;
        var cost = along + across * (sideways ? 6 : 1.2);
        if (cost < least) { least = cost; best = node; }
      });
      if (best) best.focus();
    }

    nodes.forEach(function (node) {
      var touched = false;
      node.addEventListener("pointerenter", function (event) { if (event.pointerType !== "touch") show(node.dataset.id); });
      node.addEventListener("pointerdown", function (event) {
        touched = event.pointerType === "touch" && chosen !== node.dataset.id;
      });
      node.addEventListener("focus", function () { if (!touched) show(node.dataset.id); });
      node.addEventListener("click", function (event) {
        if (touched) event.preventDefault(); // the first touch explains, the second opens
        touched = false;
        show(node.dataset.id);
      });
      node.addEventListener("keydown", function (event) {
        if (event.key === "Escape") clear();
        else if (/^Arrow/.test(event.key)) { event.preventDefault(); step(node, event.key); }
        else if (event.key === "Enter" && node.tagName === "g") show(node.dataset.id);
      });
    });
  }

  function levels() {
    var buttons = document.querySelectorAll(".dl-filter button");
    buttons.forEach(function (button) {
      button.addEventListener("click", function () {
        buttons.forEach(function (other) { other.setAttribute("aria-pressed", String(other === button)); });
        document.querySelectorAll(".dl-results").forEach(function (section) {
          var left = 0;
          section.querySelectorAll("tbody tr").forEach(function (row) {
            row.hidden = Boolean(button.dataset.level) && row.dataset.level !== button.dataset.level;
            left += row.hidden ? 0 : 1;
          });
          section.hidden = left === 0;
        });
      });
    });
  }

  function glossary(field) {
    var entries = document.querySelectorAll(".dl-term");
    field.addEventListener("input", function () {
      var wanted = field.value.trim().toLowerCase(), left = 0;
      entries.forEach(function (entry) {
        entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
        left += entry.hidden ? 0 : 1;
      });
      document.querySelector("[data-no-term]").hidden = left > 0;
    });
  }

  document.querySelectorAll("[data-roadmap]").forEach(roadmap);
  levels();
  var field = document.getElementById("dl-term-filter");
  if (field) glossary(field);
})();
