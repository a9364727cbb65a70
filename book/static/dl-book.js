/* On every page: the way on along a path, the key that searches, the advice for mistakes. */
(function () {
  "use strict";
  var KEY = "dl-path";
  var root = document.documentElement.dataset.content_root || "./";

  function remembered() {
    try { return localStorage.getItem(KEY) || ""; } catch (error) { return ""; }
  }

  function remember(path) {
    try { localStorage.setItem(KEY, path); } catch (error) { /* private browsing: this page only */ }
  }

  function lessonById(id) {
    return window.DL_COURSE.lessons.find(function (lesson) { return lesson.id === id; });
  }

  function wayLink(lesson, kind, word) {
    var link = document.createElement(lesson.ready ? "a" : "span");
    var small = document.createElement("small");
    link.className = kind;
    small.textContent = word + (lesson.ready ? "" : "（規劃中）");
    if (lesson.ready) link.href = root + lesson.id + ".html";
    link.append(small, lesson.short);
    return link;
  }

  function followPath(nav, path) {
    var at = path.lessons.indexOf(nav.dataset.lesson);
    var links = nav.querySelector(".dl-way-links");
    links.replaceChildren();
    if (at > 0) links.append(wayLink(lessonById(path.lessons[at - 1]), "dl-before", "上一課"));
    if (at + 1 < path.lessons.length) links.append(wayLink(lessonById(path.lessons[at + 1]), "dl-after", "下一課"));
  }

  function startWay() {
    var nav = document.querySelector(".dl-way");
    if (!nav || !window.DL_COURSE) return;
    var select = nav.querySelector("select");
    var plain = Array.from(nav.querySelector(".dl-way-links").childNodes);
    window.DL_COURSE.paths.forEach(function (path) {
      if (path.lessons.includes(nav.dataset.lesson)) select.add(new Option(path.title, path.id));
    });
    function show() {
      var path = window.DL_COURSE.paths.find(function (one) { return one.id === select.value; });
      if (path) followPath(nav, path);
      else nav.querySelector(".dl-way-links").replaceChildren.apply(nav.querySelector(".dl-way-links"), plain);
    }
    select.value = remembered();
    if (select.selectedIndex < 0) select.value = "";
    select.addEventListener("change", function () { remember(select.value); show(); });
    show();
  }

  function startChoice() {
    var buttons = document.querySelectorAll("[data-choose-path]");
    function show() {
      buttons.forEach(function (button) {
        var chosen = button.dataset.choosePath === remembered();
        button.setAttribute("aria-pressed", String(chosen));
        button.textContent = chosen ? "✓ 正照這條路走" : "照這條路走";
      });
    }
    buttons.forEach(function (button) {
      button.addEventListener("click", function () {
        remember(remembered() === button.dataset.choosePath ? "" : button.dataset.choosePath);
        show();
      });
    });
    show();
  }

  function startKeys() {
    document.addEventListener("keydown", function (event) {
      var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      var field = document.getElementById("dl-query");
      var side = document.querySelector(".sidebar-search");
      event.preventDefault();
      if (field) field.focus();
      else if (side && side.getBoundingClientRect().left >= 0) side.focus();
      else window.location.href = root + "search.html";
    });
  }

  function startErrata() {
    var area = document.getElementById("dl-errata");
    var page = new URLSearchParams(window.location.search).get("page");
    if (area && page) area.value = area.value.replace("頁面：", "頁面：" + page);
  }

  /* Furo's menus open by hidden boxes; buttons, that the keyboard reaches, turn them over. */
  function startSwitches() {
    document.querySelectorAll("button[data-switch]").forEach(function (button) {
      var box = document.getElementById(button.dataset.switch);
      function show() { button.setAttribute("aria-expanded", String(box.checked)); }
      button.addEventListener("click", function () { box.click(); });
      box.addEventListener("change", show);
      show();
    });
    document.querySelectorAll("details.hide > summary").forEach(function (summary) { summary.removeAttribute("aria-label"); });
  }

  function start() {
    startSwitches();
    startWay();
    startChoice();
    startKeys();
    startErrata();
    // A frame that scrolls sideways must be reachable by keyboard.
    document.querySelectorAll("pre, .dl-formula, .table-wrapper, .output.text_html").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
